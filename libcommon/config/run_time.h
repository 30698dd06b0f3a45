// How a run divides its time (health.deadline): first looking, then mending, then telling.
#pragma once

#include "util/units.h"

#include <algorithm>

namespace lectio {

// What a step of the run may take when `reserve` is to be left for what follows it; never less than half of all.
constexpr Duration time_before(Duration deadline, Duration reserve) {
    return std::max(deadline - reserve, deadline / 2);
}

// The last 10 s are for mending and telling what the checks have found.
constexpr Duration time_to_look(Duration deadline) {
    return time_before(deadline, Duration(10'000));
}
// The last 3 s are for telling.
constexpr Duration time_to_mend(Duration deadline) {
    return time_before(deadline, Duration(3'000));
}

} // namespace lectio

// Budget: what a channel takes without slowing us down.
#pragma once

#include "util/units.h"

namespace lectio {

// At most `messages` within `per`, and only `burst` in a row before one a second; 0: no limit.
struct Budget {
    int messages = 0;
    Duration per{60'000};
    int burst = 0;
};

} // namespace lectio

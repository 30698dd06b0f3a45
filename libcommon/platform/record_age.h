// How old a record is that may be of another boot, or of a clock that was wrong.
#pragma once

#include "platform/clock.h"

#include <optional>

namespace lectio {

// As elapsed(), for those who judge by it whether something still runs: what elapsed() takes for nothing is told apart. What is
// over a year old is that old; nothing, where the record is of a time to come and its age is not known.
std::optional<Duration> age_of_record(const Now& record, const Now& now);

} // namespace lectio

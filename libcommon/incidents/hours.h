// Hours of the day, as the configuration names them. Pure but for the zones of this host.
#pragma once

#include "platform/clock.h"

#include <string>

namespace lectio {

// `hours`: "23:00-08:00" may reach over midnight; the first minute belongs to them, the last does not. "" is never.
bool is_within(WallTime time, const std::string& hours, const std::string& zone);

// "09:00" of the day of `now` lies after `since` and not after `now`; "" never does. Of days that went by in between
// (the host was off) none is made up for.
bool has_struck(const std::string& clock, WallTime since, WallTime now, const std::string& zone);

} // namespace lectio

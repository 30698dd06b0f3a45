// systemd: a unit is active, or no unit of the host has failed.
#pragma once

#include "checks/check_type.h"
#include "platform/services.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

struct SystemdSettings {
    std::string unit;                  // empty: no unit of this host may be failed
    Status stopped = Status::critical; // stopped by somebody, not fallen: critical | warning | ok
    Thresholds restarts;               // by systemd itself, in the last hour
    // Named in no configuration, looked at because it fell: it may be stopped or removed on purpose. Not configurable.
    bool only_as_it_fell = false;
};

// Pure. `memory` is what the last run kept: the restart counter and when it grew.
CheckResult evaluate_unit(const UnitState& unit, const SystemdSettings& settings,
                          const std::map<std::string, std::string>& memory, const Now& now);
// Of the last lines that a unit has written, the oldest first, the one or two that say why it fell: those that speak of an
// error, else the last; secrets masked.
std::string why_it_fell(const std::vector<std::string>& lines);
CheckResult evaluate_failed_units(const std::vector<std::string>& failed);
// Those that evaluate_failed_units() was given; of any other result none.
std::vector<std::string> failed_units_of(const CheckResult& result);

// only_as_it_fell: it is not good again, but stopped or removed on purpose, as the message says.
bool is_let_go(const CheckResult& result);

CheckType systemd_check_type();

// The unit that a configured check of this type looks at, by its full name; empty: it looks at all of them.
std::string unit_of(const SystemdSettings& settings);

} // namespace lectio

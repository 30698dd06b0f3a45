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
};

// Pure. `memory` is what the last run kept: the restart counter and when it grew.
CheckResult evaluate_unit(const UnitState& unit, const SystemdSettings& settings,
                          const std::map<std::string, std::string>& memory, const Now& now);
CheckResult evaluate_failed_units(const std::vector<UnitState>& failed);

CheckType systemd_check_type();

} // namespace lectio

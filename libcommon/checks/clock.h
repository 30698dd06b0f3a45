// clock: somebody keeps this host's clock right. Jumps between two runs are noticed by every tool itself (the self
// check `clock`), with or without this one.
#pragma once

#include "checks/check_type.h"
#include "platform/time_sync.h"

#include <map>
#include <string>

namespace lectio {

struct ClockSettings {
    Thresholds offset{Amount{Amount::Unit::milliseconds, 250}, std::nullopt};
};

CheckResult evaluate_clock(const TimeSync& sync, const ClockSettings& settings,
                           const std::map<std::string, std::string>& memory);
CheckType clock_check_type();

} // namespace lectio

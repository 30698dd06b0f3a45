// pressure: how much of the last minute was lost waiting for CPU, memory or disk (pressure stall information).
// It tells a busy machine from one that has too little of something, which the load average cannot.
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <map>
#include <string>

namespace lectio {

struct PressureSettings { // percent of the last 60 s in which something waited
    Thresholds cpu;
    Thresholds memory{Amount{Amount::Unit::percent, 20}, std::nullopt};
    Thresholds io{Amount{Amount::Unit::percent, 60}, std::nullopt};
};

CheckResult evaluate_pressure(const PressureInfo& sample, const PressureSettings& settings,
                              const std::map<std::string, std::string>& memory);
CheckType pressure_check_type();

} // namespace lectio

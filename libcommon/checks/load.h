// load: the load average for each core. High load is slowness, not an outage: by default a warning only.
#pragma once

#include "checks/check_type.h"

#include <array>
#include <map>
#include <string>

namespace lectio {

struct LoadSettings { // each for one core, so that a number means the same on every machine
    Thresholds load1;
    Thresholds load5{Amount{Amount::Unit::number, 3}, std::nullopt};
    Thresholds load15;
};

struct LoadSample {
    std::array<double, 3> average{}; // 1, 5, 15 minutes, of the whole machine
    unsigned cores = 1;
};

CheckResult evaluate_load(const LoadSample& sample, const LoadSettings& settings,
                          const std::map<std::string, std::string>& memory);
CheckType load_check_type();

} // namespace lectio

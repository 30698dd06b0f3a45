// process: enough processes with a certain command line are running.
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct ProcessSettings {
    std::string match;
    std::string user;
    int min = 1;
    std::optional<int> max;
    Thresholds rss, age;
};

struct ProcessSample {
    std::vector<ProcessInfo> processes; // those that count
};

// Whose command line matches; zombies, the process `self` and its ancestors do not count (CONTRACT 9).
Result<std::vector<ProcessInfo>> matching_processes(const std::vector<ProcessInfo>& all,
                                                    const std::string& match, std::optional<uid_t> owner,
                                                    int self);
CheckResult evaluate_process(const ProcessSample& sample, const ProcessSettings& settings,
                             const std::map<std::string, std::string>& memory);
CheckType process_check_type();

} // namespace lectio

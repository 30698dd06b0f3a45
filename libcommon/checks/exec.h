// exec: a program of the operator's own that follows the Nagios plugin contract
// (https://www.monitoring-plugins.org/doc/guidelines.html): exit status 0–3, a line of text, performance data.
#pragma once

#include "checks/check_type.h"
#include "platform/processes.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct ExecSettings {
    std::vector<std::string> command;
    std::string user;
    Duration timeout{10000};
};

// 'label'=value[unit];[warn];[critical];[min];[max] … ; what is not like that is left out. Times become
// seconds, sizes bytes.
std::vector<Metric> parse_performance_data(std::string_view text);
CheckResult evaluate_exec(const ProcessAnswer& answer, const ExecSettings& settings);
CheckType exec_check_type();

} // namespace lectio

// cmdline: command lines of gunicorn and Celery that will hurt under load.
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <string>
#include <vector>

namespace lectio {

struct CmdlineSettings {
    enum class Rule { async_workers, separate_queues, no_development_server };
    std::string match;
    std::vector<Rule> rules{Rule::async_workers, Rule::separate_queues};
};

// Of the running processes those whose command line `match` finds. What a configuration file of gunicorn (-c) says is
// not seen: nothing is said of its workers then.
CheckResult evaluate_cmdline(const std::vector<ProcessInfo>& matching, const CmdlineSettings& settings);
CheckType cmdline_check_type();

} // namespace lectio

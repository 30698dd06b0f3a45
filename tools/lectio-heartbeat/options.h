// The command line of lectio-heartbeat.
#pragma once

#include "cli/common_options.h"
#include "heartbeat/watchdog.h"

#include <string>
#include <variant>
#include <vector>

namespace lectio::heartbeat {

struct Options {
    CommonOptions common;
    bool by_old_name = false;         // heartbeat.sh: 0 or 1, as ever (CONTRACT 24)
    std::string job;                  // run: its name; empty: one beat
    std::string probe;                // watchdog: the URL that is asked; empty: another command
    WatchdogRules rules;              // of it
    std::vector<std::string> command; // run, watchdog: what is attended
};

// An exit status: everything is said.
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::heartbeat

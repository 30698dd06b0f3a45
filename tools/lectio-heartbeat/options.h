// The command line of lectio-heartbeat.
#pragma once

#include "cli/common_options.h"

#include <variant>

namespace lectio::heartbeat {

struct Options {
    CommonOptions common;
    bool by_old_name = false; // heartbeat.sh: 0 or 1, as ever (CONTRACT 24)
};

// An exit status: everything is said.
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::heartbeat

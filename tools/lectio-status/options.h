// The command line of lectio-status.
#pragma once

#include "cli/common_options.h"

#include <variant>

namespace lectio::status {

struct Options {
    CommonOptions common;
    bool watch = false; // shown anew again and again
};

// An exit status: everything is said.
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::status

// The command line of lectio-cleanup.
#pragma once

#include "cli/common_options.h"

#include <variant>

namespace lectio::cleanup {

struct Options {
    CommonOptions common;
    bool apply = false;       // --apply: whoever asks
    bool by_old_name = false; // cleanup_processes.sh: 0 or 1, as ever (CONTRACT 24)
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::cleanup

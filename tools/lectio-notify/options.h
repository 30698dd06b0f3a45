// The command line of lectio-notify.
#pragma once

#include "cli/common_options.h"
#include "command.h"

#include <memory>
#include <variant>

namespace lectio::notify {

struct Options {
    CommonOptions common;
    std::unique_ptr<Command> command; // none: --check-config alone
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::notify

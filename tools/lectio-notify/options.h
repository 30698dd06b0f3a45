// The command line of lectio-notify.
#pragma once

#include "alerts/message.h"
#include "cli/common_options.h"

#include <optional>
#include <string>
#include <variant>

namespace lectio::notify {

struct SendCommand {
    Level level = Level::info;
    std::string key, title;
    std::string text;
};
struct FlushCommand {};
struct TestCommand {
    std::string channel; // empty: every one
};

struct Options {
    CommonOptions common;
    std::variant<FlushCommand, SendCommand, TestCommand> command;
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong). A text that is "-"
// or absent is read from standard input.
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::notify

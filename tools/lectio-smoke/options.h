// The command line of lectio-smoke.
#pragma once

#include "cli/common_options.h"
#include "pipeline/history_command.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace lectio::smoke {

struct Options {
    CommonOptions common;
    bool sets_up_users = false;
    std::optional<HistoryQuestion> history;
    bool looks_only = false;  // run STEP…: nothing is remembered and nobody is told
    bool by_old_name = false; // called as smoke_check_v2.sh: its exit codes (CONTRACT 24)
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::smoke

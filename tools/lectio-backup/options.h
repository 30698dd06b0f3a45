// The command line of lectio-backup.
#pragma once

#include "cli/common_options.h"

#include <optional>
#include <string>
#include <variant>

namespace lectio::backup {

enum class Wish { run, list, status, verify, restore, prune, check, pin, accept };

struct Options {
    CommonOptions common;
    Wish wish = Wish::status;
    std::string source;                // run, restore
    bool due = false;                  // run
    std::optional<std::string> id;     // verify, restore --id, pin, accept
    std::optional<std::string> at, to; // restore
    bool away = false;                 // verify
    bool undo = false;                 // pin
    std::string reason;                // accept
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::backup

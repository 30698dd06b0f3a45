// The command line of lectio-health.
#pragma once

#include "cli/common_options.h"
#include "config/config.h"
#include "pipeline/history_command.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <variant>

namespace lectio::health {

struct InitCommand {
    std::string output = "/etc/lectio-monitor/config.toml"; // "-": standard output
    std::optional<Lang> lang;                               // absent: the terminal's
    std::optional<Path> from;                               // the bash suite's config.env, to be written down
    Path state = Paths{}.state;                             // what earlier runs have found is kept there
};

struct Options {
    CommonOptions common;
    std::optional<InitCommand> init; // neither this nor history: a run
    std::optional<HistoryQuestion> history;
    bool by_old_name = false; // called as health_check.sh: its exit codes (CONTRACT 24)
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::health

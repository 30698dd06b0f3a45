// The command line of lectio-deepcheck.
#pragma once

#include "cli/common_options.h"
#include "pipeline/history_command.h"
#include "report/audit.h"

#include <optional>
#include <string>
#include <variant>

namespace lectio::deepcheck {

struct Options {
    CommonOptions common;
    bool looks_only = false;        // run CHECK…, audit: nothing is remembered and nobody is told
    std::optional<AuditForm> audit; // as JSON it is the report with its findings, whatever stands here
    std::string profile;            // of the audit: a name or a path; empty: that of the configuration
    std::optional<HistoryQuestion> history;
    bool by_old_name = false; // called as deep_check.sh: its exit codes (CONTRACT 24)
};

// The options, or the exit code with which to leave (help was printed, or usage was wrong).
std::variant<Options, int> parse_options(int argc, char** argv);

} // namespace lectio::deepcheck

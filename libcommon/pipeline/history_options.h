// The command `history` on the command line of a tool that runs checks.
#pragma once

#include "cli/command_line.h"
#include "cli/common_options.h"
#include "pipeline/history_command.h"

#include <optional>
#include <string_view>

namespace lectio {

// `question` must live as long as `app`.
CLI::App* add_history(CLI::App& app, HistoryQuestion& question);
// The exit code with which to leave, where the report cannot be had in this form; said on standard error.
std::optional<int> refuse_history_format(std::string_view tool, const CommonOptions& options);

} // namespace lectio

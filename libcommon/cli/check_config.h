// --check-config, the same in every tool: every problem of the configuration, or what would run with it.
#pragma once

#include "cli/common_options.h"
#include "config/load.h"
#include "platform/clock.h"

#include <string>

namespace lectio {

// Who is asked, for the JSON form.
struct Asked {
    std::string tool, host;
    WallTime time;
};

// Prints what `loaded` (read with LastGood::never) is worth, in the format that is asked for. Returns the exit
// status: 0 good, 78 wrong (options.strict: warnings count, too), 77 when a part of it is not for us to read,
// 70 when it cannot be printed. JSON is one object: {tool, version, host, time, exit_code, reason (unless 0),
// file, problems and warnings: [{file, line, column, message, suggestion}], notes, checks: [{name, type, runs}],
// steps: [{name, type, runs}] (logins, too),
// recovery: [{name, action, when, runs}], channels: [{name, type, runs}]}; what is not known is null. Secrets
// are masked.
int check_config(const LoadedConfig& loaded, const CommonOptions& options, const Asked& asked);

// Its text: every problem, and a summary of what would run when there is none.
struct ConfigVerdict {
    std::string text;
    bool good = false;
};
enum class Strict { no, yes };
ConfigVerdict check_config_text(const LoadedConfig& loaded, Strict strict);

} // namespace lectio

// TOOL history: what the recorded runs of a tool that runs checks have found. Changes nothing.
#pragma once

#include "cli/common_options.h"
#include "config/config.h"
#include "platform/world.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct HistoryQuestion {
    std::optional<std::string> check; // absent: all
    std::string since = "24h";        // as given
};

struct HistoryOf {
    std::string_view short_name; // "health": as the runs are recorded
    std::vector<std::string> (*checks)(
        const Config&); // those that are configured: a name may not have run yet
};

// Prints; returns the process's exit status: 0, also where nothing was recorded yet; 64 for a name that no check
// has or a time that is none; 70 for a damaged history; 77 and 78 as everywhere.
int show_history(const HistoryOf& tool, const HistoryQuestion& question, const CommonOptions& options,
                 World world);

} // namespace lectio

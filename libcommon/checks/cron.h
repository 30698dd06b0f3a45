// cron: the tools of this suite run when they should, seen by the record that each leaves of its last finished run.
#pragma once

#include "checks/check_type.h"
#include "platform/clock.h"
#include "platform/files.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

struct CronSettings {
    std::map<std::string, Duration> tools; // the oldest that its last finished run may be
};

struct CronSample {
    struct Tool {
        std::optional<Now> finished; // none: it has never finished a run here
        std::optional<Error> error;  // its record cannot be read
    };
    std::map<std::string, Tool> tools;
};

// "finished" of a tool's state (pipeline/tool_state.h).
std::optional<Now> finished_in(std::string_view state);

// What the tools that are expected have left in `state`, of the suite.
CronSample look_at_tools(const CronSettings& settings, const std::filesystem::path& state, Files& files);

// Pure. `memory`: since when a tool that never ran has been waited for.
CheckResult evaluate_cron(const CronSample& sample, const CronSettings& settings, const Now& now,
                          const std::map<std::string, std::string>& memory);
CheckType cron_check_type();

} // namespace lectio

// growth: how fast disks, databases and folders grow, and when there will be no room left. For the daily summary.
#pragma once

#include "checks/check_type.h"
#include "checks/growth_track.h"
#include "config/config.h"
#include "util/secret.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

constexpr std::string_view k_growth_type = "growth"; // what it says stands in the daily summary

// One of `of`, with what its check:NAME stands for.
struct GrowthTarget {
    enum class Kind { disk, files, sqlite, postgres, none };
    Kind kind = Kind::none;
    std::string text;           // as it is configured, the name of what is remembered of it
    Path path;                  // of all but postgres
    Secret url;                 // of postgres
    std::string sslmode;        // of postgres
    std::optional<Bytes> limit; // that its own check would tell of
};

struct GrowthSettings {
    std::vector<std::string> of;
    Thresholds full_in;
    // Not from the file; configured_growth() makes them.
    std::vector<GrowthTarget> targets;
    bool tells = false; // also by itself, as soon as `full_in` is reached; else in the summary only
};

// What `of` stands for: check:NAME is another of `checks`, which are those of the same tool.
std::vector<GrowthTarget> growth_targets(const std::vector<std::string>& of,
                                         const std::vector<CheckSettings>& checks);
// The settings of a check of this type, for its maker.
std::shared_ptr<const void> configured_growth(const CheckSettings& check,
                                              const std::vector<CheckSettings>& checks);

// Of a target of kind sqlite or postgres: what its file takes, or what the server says.
Result<Bytes> database_size(const GrowthTarget& target, const CheckContext& context);

struct GrowthSample {          // of one target
    Text trouble;              // why nothing was seen; empty: it was
    std::optional<Bytes> size; // none: not looked at in this run
    std::optional<Bytes> room; // left on the disk
};

// Pure; `samples` in the order of the targets.
CheckResult evaluate_growth(const std::vector<GrowthSample>& samples, const GrowthSettings& settings,
                            const Now& now, const std::map<std::string, std::string>& memory);
CheckType growth_check_type();

} // namespace lectio

// drift: nothing has changed without a deploy: the build, the code, nginx's configuration, units, crontabs, migrations,
// the size of the databases (docs/decisions/0032).
#pragma once

#include "checks/check_type.h"
#include "checks/content_hashes.h"
#include "checks/growth.h"
#include "config/config.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectio {

constexpr std::string_view k_drift_type = "drift";

// What was released to a folder, as it was sealed.
struct ReleasedBuild {
    std::string id;
    ContentHashes files;           // of what came with it
    std::set<std::string> carried; // what earlier ones left for open pages: no change
};

// What is known of deploys. Releases are built upon checks (docs/ARCHITECTURE.md), so this stands between them.
class Deploys {
  public:
    virtual ~Deploys() = default;
    // When the last one ended, or packages were replaced; `since`: no need to look further back.
    [[nodiscard]] virtual std::optional<WallTime> last(const World& world, WallTime since) const = 0;
    // Nothing: no release of ours is served from there.
    [[nodiscard]] virtual Result<std::optional<ReleasedBuild>> released(const World& world,
                                                                        const Path& build) const = 0;
};

struct DriftSettings {
    std::vector<std::string> watch;
    Thresholds database;
    Path build, code; // empty: as the rest of the configuration has them
    std::vector<Path> nginx{"/etc/nginx"}, units{"/etc/systemd/system"},
        crontab{"/etc/crontab", "/etc/cron.d", "/var/spool/cron/crontabs"};
    std::vector<std::string> leave_out; // patterns below build and code
    Duration timeout{60'000};           // of reading each of them
    // Not from the file; configured_drift() makes them.
    std::string tool, name; // "deepcheck", "drift"
    std::vector<GrowthTarget> databases;
    std::shared_ptr<const Deploys> deploys; // nullptr: nothing is known of any
};

// The settings of a check of this type, for its maker. `tool`: its short name; `checks`: those of the same tool.
std::shared_ptr<const void> configured_drift(const CheckSettings& check, const std::string& tool,
                                             const std::vector<CheckSettings>& checks, const Config& config,
                                             std::shared_ptr<const Deploys> deploys);

struct DriftArea {    // one word of `watch`
    std::string word; // "nginx"
    Text trouble;     // why it was not seen; empty: it was
    ContentHashes there;
    std::optional<ReleasedBuild> released; // what it is compared with, instead of what was there last time
    std::string look;                      // the command to look with, of what is no single file
    // When a file was changed; nothing: it has no time, or is gone.
    std::function<std::optional<WallTime>(const std::string& name)> changed_at{};
};
struct DriftDatabase {
    std::string name;
    Text trouble; // as above
    Bytes size;
};
struct DriftSample {
    std::vector<DriftArea> areas;
    std::vector<DriftDatabase> databases;
    std::optional<WallTime> deploy; // the end of the last one
};

// The moment since which the oldest of what is remembered stands; nothing: there is nothing yet.
std::optional<WallTime> compared_since(const std::map<std::string, std::string>& memory);
CheckResult evaluate_drift(const DriftSample& sample, const DriftSettings& settings, WallTime now,
                           const std::map<std::string, std::string>& memory);
CheckType drift_check_type();

} // namespace lectio

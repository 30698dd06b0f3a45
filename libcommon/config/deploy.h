// [deploy]: where releases lie, what a build must be like, what must pass before it is kept.
#pragma once

#include "config/schema.h"
#include "config/values.h"
#include "util/secret.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// What must pass after the swap, or the previous release comes back (CONTRACT 29).
struct GateSettings {
    std::vector<std::string> checks; // of health, unless "tool/check"
    bool smoke = false;              // the whole walk of lectio-smoke, too
    Duration within{30'000};
    int passes = 3;               // in a row, one second apart
    std::optional<Amount> errors; // percent points of 5xx above the share before; none: not judged
};

struct FrontendDeploy {         // [deploy.frontend]
    std::filesystem::path path; // what the web server serves: a folder at first, then a link to a release
    std::string owner;          // user:group; empty: the owner of `path`
    FileMode dirs{0755}, files{0644};
    std::vector<std::string>
        requires_files; // patterns below the build, each must match a file that is not empty
    std::map<std::string, std::string> contains; // file → text
    Duration keep_assets = std::chrono::hours(24 * 14);
    std::vector<std::string> forbid; // must not stand in a script, style or page
};

struct GitSource {                 // [deploy.backend] git
    std::string remote = "origin"; // a URL, or a remote's name in the repository that was at `path`
    std::string ref = "main";
};

struct CanarySettings {               // [deploy.backend] canary
    std::vector<std::string> command; // "{socket}" is what it must answer on: unix:PATH
    std::string path = "/";
};

struct BackendDeploy {          // [deploy.backend]
    std::filesystem::path path; // the project: a folder at first, then a link to a release
    std::optional<GitSource> git;
    std::string venv; // below the release; empty: none is made
    std::vector<std::string> install, check, migrate, collect;
    std::optional<CanarySettings> canary;
    Secret database;                         // "sqlite:PATH", "postgresql:URL"; empty: not said
    std::vector<std::string> shared;         // below the release
    std::vector<std::string> units, workers; // workers: those of units that start last; empty: by their names
    std::string socket;                      // unit that keeps requests; empty: not asked for
    std::string user;                        // who runs all of this; empty: the owner of `path`
    Duration timeout = std::chrono::minutes(10); // of each command
};

struct DeploySettings {
    int keep = 5;
    Bytes min_free = 1_GB;
    std::string releases;                     // absolute; empty: .lectio-releases beside `path`
    Amount shrink{Amount::Unit::percent, 50}; // of the live build's size
    std::string maintenance_page;             // absolute; empty: none
    GateSettings gate;
    std::optional<FrontendDeploy> frontend;
    std::optional<BackendDeploy> backend;
};

const Schema<GateSettings>& gate_schema();
const Schema<FrontendDeploy>& frontend_deploy_schema();
const Schema<BackendDeploy>& backend_deploy_schema();
const Schema<DeploySettings>& deploy_schema();

// Where the releases of what is served at `path` lie.
std::filesystem::path releases_folder(const DeploySettings& deploy, const std::filesystem::path& path);

} // namespace lectio

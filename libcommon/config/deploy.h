// [deploy]: where releases lie, what a build must be like, what must pass before it is kept.
#pragma once

#include "config/schema.h"
#include "config/values.h"

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
    int passes = 3; // in a row, one second apart
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

struct DeploySettings {
    int keep = 5;
    Bytes min_free = 1_GB;
    std::string releases;                     // absolute; empty: .lectio-releases beside `path`
    Amount shrink{Amount::Unit::percent, 50}; // of the live build's size
    GateSettings gate;
    std::optional<FrontendDeploy> frontend;
};

const Schema<GateSettings>& gate_schema();
const Schema<FrontendDeploy>& frontend_deploy_schema();
const Schema<DeploySettings>& deploy_schema();

// Where the releases of `frontend` lie.
std::filesystem::path releases_folder(const DeploySettings& deploy, const FrontendDeploy& frontend);

} // namespace lectio

// What the bash suite's config.env says, as a configuration: health_check.sh, smoke_check_v2.sh, deep_check.sh,
// deploy_safe.sh, backup_db.sh and cleanup_processes.sh in our words (LEGACY.md).
#pragma once

#include "config/config.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace lectio {

struct LegacyConfig {
    std::string toml; // always loads: values that do not fit are left out, with a note
    std::vector<Config::Note> notes;
    std::vector<Text> assumed;
    std::vector<std::string> unused; // variables that nothing in `toml` stands for
};
// `env_file` is where the values are from; secrets stay references to it. `is_there` says of a file whether this host has
// it: deep_check.sh passed over the database and the migrations of a site that has none.
LegacyConfig legacy_config(const std::map<std::string, std::string>& values, const Path& env_file,
                           const std::function<bool(const Path&)>& is_there);

// A text as a TOML string, whatever is in it.
std::string toml_quoted(std::string_view text);

} // namespace lectio

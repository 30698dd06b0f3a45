// What the bash suite's config.env says, as a configuration: health_check.sh and smoke_check_v2.sh in our words
// (LEGACY.md).
#pragma once

#include "config/config.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

struct LegacyConfig {
    std::string toml; // always loads: values that do not fit are left out, with a note
    std::vector<Config::Note> notes;
    std::vector<Text> assumed;
};
// `env_file` is where the values are from; secrets stay references to it.
LegacyConfig legacy_config(const std::map<std::string, std::string>& values, const Path& env_file);

// A text as a TOML string, whatever is in it.
std::string toml_quoted(std::string_view text);

} // namespace lectio

// The bash suite's config.env as a configuration that a person goes on with: `lectio-health init --from`.
#pragma once

#include "config/env_file.h"
#include "config/legacy_env.h"
#include "discovery/found_check.h"

namespace lectio {

struct MigratedConfig {
    std::string toml;        // loads; secrets are references to the file
    std::vector<Text> notes; // what of the file is not in it, and what is from elsewhere; no value is quoted
};

struct MigrationHeading {
    Lang lang = Lang::ru;
    std::string when; // "2026-01-22"
};

// `text` is read as parse_env_file() does, with nothing from the environment: that of cron is not known. What the file
// leaves out, and what it has no words for (Redis, Celery, PostgreSQL), is as `found` on this host.
MigratedConfig migrated_config(std::string_view text, const Path& env_file, const Discovered& found,
                               const MigrationHeading& heading,
                               const std::function<bool(const Path&)>& is_there);

} // namespace lectio

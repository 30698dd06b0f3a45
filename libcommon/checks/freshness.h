// freshness: something that is made again and again is new enough: the newest file of a pattern, or a time that a
// database, a Redis or an answer over HTTP tells. What dies silently is found by what it no longer does.
#pragma once

#include "checks/check_type.h"
#include "platform/newest_file.h"
#include "util/secret.h"

#include <map>
#include <optional>
#include <string>

namespace lectio {

struct FreshnessSql {
    Secret url;
    std::string query;
};
struct FreshnessJson {
    std::string url, pointer;
};
struct FreshnessRedis {
    Secret url;
    std::string key;
};

struct FreshnessSettings {
    std::string files;
    Bytes min_size;
    std::optional<FreshnessSql> sql;
    std::optional<FreshnessJson> json;
    std::optional<FreshnessRedis> redis;
    Thresholds age;
    Duration timeout{10'000};
};

struct FreshnessSample {
    std::optional<CheckResult> failed; // nobody could be asked: nothing below was seen
    std::optional<NewestFile> file;    // of `files`
    std::string value;                 // of the others, as it came; empty: there is none
    std::string left_behind;           // see checks/hung_mount.h
};

// Pure. `memory`: the level of the last run.
CheckResult evaluate_freshness(const FreshnessSample& sample, const FreshnessSettings& settings, WallTime now,
                               const std::map<std::string, std::string>& memory);
CheckType freshness_check_type();

} // namespace lectio

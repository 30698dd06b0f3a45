// redis: the server answers, has memory left, its queues are short, and what it holds is saved and expires.
#pragma once

#include "checks/check_type.h"
#include "platform/redis.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

struct NoTtlSettings {
    std::string pattern;
    int sample = 200;
    Amount warn{Amount::Unit::percent, 5};
};

struct RedisSettings {
    Secret url;
    Duration timeout{5'000};
    Thresholds memory;                        // of maxmemory
    std::map<std::string, Thresholds> queues; // LLEN by key
    std::optional<NoTtlSettings> no_ttl;
    Thresholds evictions, rdb_age;
    std::string aof; // "ok"; empty: not looked at
};

// Keys of a pattern that were looked at: a sample, or all there are.
struct RedisKeys {
    int looked = 0, lasting = 0; // lasting: without an expiry
    std::string example;         // one of those
    bool all = false;
    std::optional<RedisReply> refused;
};

struct RedisSample {
    std::optional<Error> failure; // of connecting or of a command: nothing below was seen
    RedisReply ping;
    std::map<std::string, std::string> info;   // of INFO; empty when it was refused
    std::map<std::string, RedisReply> lengths; // LLEN by queue
    RedisKeys keys;                            // of no_ttl
    Duration took{};
    WallTime now;
    bool again = false; // asked a second time in one run: what is new since the last run is as it was
};

// Pure. `memory`: the levels of the last run.
CheckResult evaluate_redis(const RedisSample& sample, const RedisSettings& settings,
                           const std::map<std::string, std::string>& memory);

CheckType redis_check_type();

// A failure of the connection to `url`, or a refusal by the server, as a result: for checks that speak to a Redis.
CheckResult redis_failure(const Error& error, const Secret& url);

} // namespace lectio

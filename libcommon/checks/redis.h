// redis: the server answers, has memory left, and its queues are short.
#pragma once

#include "checks/check_type.h"
#include "platform/redis.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

struct RedisSettings {
    Secret url;
    Duration timeout{5'000};
    Thresholds memory;                        // of maxmemory
    std::map<std::string, Thresholds> queues; // LLEN by key
};

struct RedisSample {
    std::optional<Error> failure; // of connecting or of a command: nothing below was seen
    RedisReply ping;
    std::map<std::string, std::string> info;   // of INFO; empty when it was refused
    std::map<std::string, RedisReply> lengths; // LLEN by queue
    Duration took{};
};

// The lines "key:value" of INFO; anything else is left out.
std::map<std::string, std::string> parse_redis_info(std::string_view text);
// Pure. `memory`: the levels of the last run.
CheckResult evaluate_redis(const RedisSample& sample, const RedisSettings& settings,
                           const std::map<std::string, std::string>& memory);

CheckType redis_check_type();

// A failure of the connection to `url`, or a refusal by the server, as a result: for checks that speak to a Redis.
CheckResult redis_failure(const Error& error, const Secret& url);

} // namespace lectio

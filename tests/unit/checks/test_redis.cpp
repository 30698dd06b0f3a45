#include "checks/redis.h"
#include "support/bare_world.h"
#include "support/fake_redis.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view k_info = "# Server\r\nredis_version:7.0.15\r\n\r\n# Memory\r\nused_memory:900\r\n"
                                    "maxmemory:1000\r\nno colon here\r\n# Replication\r\nrole:master\r\n";

RedisSample well(std::string_view info = k_info) {
    RedisSample sample;
    sample.ping = redis_status("PONG");
    sample.info = parse_redis_info(info);
    sample.took = 2ms;
    return sample;
}

Amount percent(double value) {
    return Amount{Amount::Unit::percent, value};
}

} // namespace

TEST_CASE("INFO is read line by line") {
    const auto info = parse_redis_info(k_info);
    CHECK(info.at("used_memory") == "900");
    CHECK(info.at("role") == "master");
    CHECK(info.size() == 4);
    CHECK(parse_redis_info("").empty());
    CHECK(parse_redis_info(std::string("\0\xff:\n:::", 7)).size() <= 2);
}

TEST_CASE("Memory is judged by its share of maxmemory") {
    RedisSettings settings;
    settings.memory = {percent(80), percent(95)};
    const CheckResult result = evaluate_redis(well(), settings, {});
    CHECK(result.status == Status::warning);
    CHECK(result.message.en == "memory: 900 B of 1000 B (90%)");
    CHECK(result.remedy == Remedy::cannot_help);
}

TEST_CASE("Without maxmemory the share is not judged") {
    RedisSettings settings;
    settings.memory = {percent(1), percent(2)};
    CHECK(evaluate_redis(well("used_memory:900\r\nmaxmemory:0\r\n"), settings, {}).status == Status::ok);
    CHECK(evaluate_redis(well(""), settings, {}).status == Status::ok); // INFO forbidden by an ACL
}

TEST_CASE("Queues are judged by their length, and a key of another type is told") {
    RedisSettings settings;
    settings.queues["celery"] = {Amount{Amount::Unit::number, 50}, Amount{Amount::Unit::number, 500}};
    RedisSample sample = well();
    sample.lengths["celery"] = redis_number(500);
    const CheckResult result = evaluate_redis(sample, settings, {});
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "queue celery: 500 waiting");
    CHECK(result.remedy == Remedy::cannot_help); // a restart shortens no queue
    sample.lengths["celery"] = redis_error("WRONGTYPE Operation against a key");
    CHECK(evaluate_redis(sample, settings, {}).status == Status::warning);
}

TEST_CASE("A refused password is critical and nothing to restart for") {
    RedisSample sample;
    sample.ping = redis_error("NOAUTH Authentication required.");
    CheckResult result = evaluate_redis(sample, {}, {});
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
    sample.failure = Error{ErrorKind::permission, "Redis: AUTH: WRONGPASS"};
    result = evaluate_redis(sample, {}, {});
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
}

TEST_CASE("Down, silent and hung are critical and may be mended by a restart") {
    RedisSample sample;
    sample.failure = Error{GENERATE(ErrorKind::io, ErrorKind::timeout, ErrorKind::protocol), "no"};
    const CheckResult result = evaluate_redis(sample, {}, {});
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::try_it);
}

TEST_CASE("A server that is loading its data is not restarted: it would begin anew") {
    RedisSample sample;
    sample.ping = redis_error("LOADING Redis is loading the dataset in memory");
    const CheckResult result = evaluate_redis(sample, {}, {});
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
}

TEST_CASE(
    "A server that says what state it is in is not restarted: its memory may be all there is of the data") {
    RedisSample sample;
    sample.ping = redis_error(
        GENERATE("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
                 "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
                 "MASTERDOWN Link with MASTER is down"));
    const CheckResult result = evaluate_redis(sample, {}, {});
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
    sample.ping = redis_error("ERR max number of clients reached");
    CHECK(evaluate_redis(sample, {}, {}).remedy == Remedy::try_it);
    sample.ping = redis_status("SSH-2.0"); // something else listens there
    CHECK(evaluate_redis(sample, {}, {}).remedy == Remedy::try_it);
}

TEST_CASE("A read-only replica is a warning") {
    CHECK(evaluate_redis(well("role:slave\r\nslave_read_only:1\r\n"), {}, {}).status == Status::warning);
    CHECK(evaluate_redis(well("role:slave\r\nslave_read_only:0\r\n"), {}, {}).status == Status::ok);
}

TEST_CASE("The check asks PING, INFO and the length of each queue") {
    BareWorld bare;
    FakeRedis redis;
    redis.answer = [](const FakeRedis::Command& command) -> Result<RedisReply> {
        if (command[0] == "PING") {
            return redis_status("PONG");
        }
        return command[0] == "INFO" ? redis_text(std::string(k_info)) : redis_number(3);
    };
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    RedisSettings settings;
    settings.queues["heavy"] = {};
    const auto check = redis_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const CheckResult result = dynamic_cast<const BlockingCheck&>(*check).run(
        {world, bare.clock.now(), bare.clock.steady() + 10s, memory, false});
    CHECK(result.status == Status::ok);
    CHECK(redis.commands == std::vector<FakeRedis::Command>{{"PING"}, {"INFO"}, {"LLEN", "heavy"}});
}

TEST_CASE("Redis URLs") {
    const RedisAddress full = parse_redis_url(Secret("redis://me:p%40ss@10.0.0.1:6380/3")).value();
    CHECK(full.host == "10.0.0.1");
    CHECK(full.port == 6380);
    CHECK(full.user == "me");
    CHECK(full.password.reveal() == "p@ss");
    CHECK(full.database == 3);
    CHECK(parse_redis_url(Secret("redis://:secret@localhost")).value().password.reveal() == "secret");
    CHECK(parse_redis_url(Secret("redis://[::1]:7000/")).value().host == "::1");
    CHECK(parse_redis_url(Secret("redis://localhost")).value().port == 6379);
    const RedisAddress socket = parse_redis_url(Secret("unix:///run/r.sock?db=2")).value();
    CHECK(socket.socket == "/run/r.sock");
    CHECK(socket.database == 2);
    CHECK(parse_redis_url(Secret("redis+socket:///run/r.sock?virtual_host=4")).value().database == 4);
    for (const char* bad : {"", "http://x", "rediss://x", "redis://x:0", "redis://x:99999", "redis://x/one",
                            "redis://x/-1", "redis://a%zz:b@x", "unix://relative", "redis://[::1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_redis_url(Secret(bad)).ok());
    }
}

TEST_CASE("A failure between two looks clears no level") {
    RedisSettings settings;
    settings.memory = {percent(80), percent(95)};
    const auto full = evaluate_redis(well(), settings, {}).memory;
    RedisSample silent;
    silent.failure = Error{ErrorKind::timeout, "Redis: PING: no answer in time"};
    CHECK(evaluate_redis(silent, settings, full).memory == full);
    RedisSample loading;
    loading.ping = redis_error("LOADING Redis is loading the dataset in memory");
    CHECK(evaluate_redis(loading, settings, full).memory == full);
}

TEST_CASE("A name that is not found lies outside this host, no descriptors are our own fault") {
    const Secret url("redis://user:a-made-up-one@cache:6380/2");
    CHECK(redis_failure({ErrorKind::not_found, "Redis: cache: Name or service not known"}, url).remedy ==
          Remedy::outside_host);
    const std::string garbled = "Redis: PING: Protocol error, got \"H\" as reply type byte";
    CHECK(redis_failure({ErrorKind::protocol, garbled}, url).message.en ==
          "something else than Redis answers there: " + garbled);
    CHECK(redis_failure({ErrorKind::protocol, "the broker refuses a command: READONLY"}, url).message.en ==
          "the broker refuses a command: READONLY");
    const CheckResult own = redis_failure({ErrorKind::internal, "Redis: connect: Too many open files"}, url);
    CHECK(own.status == Status::unknown);
    CHECK(own.message.ru == "не удалось спросить: открыто слишком много файлов");
}

TEST_CASE(
    "A Redis that is down is named by its address, without its password, and it is said what to look at") {
    const Secret url("redis://user:a-made-up-one@127.0.0.1:6380/2");
    const CheckResult down = redis_failure({ErrorKind::io, "Redis: connect: Connection refused"}, url);
    CHECK(down.message.en == "127.0.0.1:6380 cannot be reached: Connection refused");
    CHECK(down.message.ru == "127.0.0.1:6380 недоступен: в соединении отказано");
    CHECK(down.hint.ru.find("systemctl status") != std::string::npos);
    const CheckResult silent = redis_failure({ErrorKind::timeout, "Redis: PING: no answer in time"}, url);
    CHECK(silent.message.ru == "127.0.0.1:6380 не отвечает вовремя");
    CHECK_FALSE(silent.hint.empty());
    CHECK(redis_failure({ErrorKind::io, "Redis: connect: Connection refused"}, Secret("unix:///run/r.sock"))
              .message.en.starts_with("/run/r.sock cannot"));
}

TEST_CASE("What the end of the run cut short is not the server's fault") {
    BareWorld bare;
    FakeRedis redis;
    redis.refuses = Error{ErrorKind::timeout, "Redis: connect: no answer in time"};
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    RedisSettings settings;
    settings.url = Secret("redis://127.0.0.1");
    const auto check = redis_check_type().make(&settings);
    const std::map<std::string, std::string> memory{{"level-memory", "warning"}};
    const auto run = [&](Duration left) {
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + left, memory});
    };
    CHECK(run(1s).status == Status::unknown);
    CHECK(run(1s).memory == memory);
    CHECK(run(10s).status == Status::critical);
}

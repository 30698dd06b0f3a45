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
    sample.failure =
        Error{GENERATE(ErrorKind::io, ErrorKind::timeout, ErrorKind::protocol, ErrorKind::busy), "no"};
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
    const std::string garbled =
        "Redis: PING: no answer that a Redis gives"; // whatever words the library has for it
    CHECK(redis_failure({ErrorKind::protocol, garbled}, url).message.en ==
          "something else than Redis answers there: " + garbled);
    CHECK(redis_failure({ErrorKind::busy, "the broker refuses a command: READONLY"}, url).message.en ==
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

namespace {

// What the check sees of a server that answers like this, looking as it does in a run.
CheckResult looked(FakeRedis& redis, const RedisSettings& settings,
                   const std::map<std::string, std::string>& memory = {}) {
    BareWorld bare;
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    const CheckContext context{world, bare.clock.now(), bare.clock.steady() + 30s, memory};
    const std::unique_ptr<Check> check = redis_check_type().make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run(context);
}

// Keys "cache:N", every `nth` of them without an expiry, in steps of ten.
Result<RedisReply> many_keys(const FakeRedis::Command& command, int count, int nth) {
    if (command[0] == "PING") {
        return redis_status("PONG");
    }
    if (command[0] == "TTL") {
        return redis_number(std::stoi(command[1].substr(6)) % nth == 0 ? -1 : 300);
    }
    if (command[0] != "SCAN") {
        return redis_text("redis_version:7\r\n");
    }
    const int first = std::stoi(command[1]);
    const int last = std::min(first + 10, count);
    std::vector<RedisReply> keys;
    for (int i = first; i < last; ++i) {
        keys.push_back(redis_text("cache:" + std::to_string(i)));
    }
    return redis_array({redis_text(last == count ? "0" : std::to_string(last)), redis_array(keys)});
}

RedisSettings with_no_ttl(int sample) {
    RedisSettings settings;
    settings.no_ttl = NoTtlSettings{"cache:*", sample};
    return settings;
}

RedisSample with_info(const std::string& info) {
    RedisSample sample = well(info.c_str());
    sample.now = WallTime(1'000'000s);
    return sample;
}

constexpr Thresholds one_or_more{Amount{Amount::Unit::number, 1}, {}};

} // namespace

TEST_CASE("Keys that would never expire are counted in a sample") {
    FakeRedis redis;
    redis.answer = [](const FakeRedis::Command& command) { return many_keys(command, 100, 10); };
    const CheckResult result = looked(redis, with_no_ttl(50));
    CHECK(result.status == Status::warning);
    CHECK(result.message.en == "5 of 50 keys cache:* never expire, cache:0 for one");
    CHECK(result.message.ru == "5 из 50 ключей cache:* бессрочные, например cache:0");

    redis.answer = [](const FakeRedis::Command& command) { return many_keys(command, 100, 1000); };
    CHECK(looked(redis, with_no_ttl(100)).status == Status::ok); // 1% of them
    CHECK(looked(redis, with_no_ttl(20)).status == Status::warning);

    redis.answer = [](const FakeRedis::Command& command) { return many_keys(command, 0, 10); };
    CHECK(looked(redis, with_no_ttl(50)).status == Status::ok);
}

TEST_CASE("A scan ends where the server never comes to its end, and where it is refused") {
    FakeRedis redis;
    redis.answer = [](const FakeRedis::Command& command) -> Result<RedisReply> {
        return command[0] == "PING" ? redis_status("PONG") : redis_array({redis_text("7"), redis_array({})});
    };
    CHECK(looked(redis, with_no_ttl(50)).status == Status::ok);
    CHECK(redis.commands.size() <= 102);

    for (const RedisReply& odd : {redis_error("NOPERM this user has no permissions"), redis_text("?"),
                                  redis_array({redis_text("0")}), redis_number(7)}) {
        redis.answer = [&](const FakeRedis::Command& command) -> Result<RedisReply> {
            return command[0] == "PING" ? redis_status("PONG") : odd;
        };
        CHECK(looked(redis, with_no_ttl(50)).message.en.find("cannot be counted") != std::string::npos);
    }
}

TEST_CASE("Evictions are counted since the last run, once") {
    RedisSettings settings;
    settings.evictions = one_or_more;
    const CheckResult first = evaluate_redis(with_info("evicted_keys:100\r\n"), settings, {});
    CHECK(first.status == Status::ok); // from before anybody looked
    const CheckResult second = evaluate_redis(with_info("evicted_keys:103\r\n"), settings, first.memory);
    CHECK(second.status == Status::warning);
    CHECK(second.message.en ==
          "3 keys evicted since the last look: memory is full, what is stored is thrown away");
    CHECK(second.message.ru ==
          "с прошлой проверки вытеснено: 3 ключа; память кончилась, данные выбрасываются");
    RedisSample again = with_info("evicted_keys:104\r\n");
    again.again = true;
    const CheckResult recheck = evaluate_redis(again, settings, second.memory);
    CHECK(recheck.status == Status::warning);
    CHECK(evaluate_redis(with_info("evicted_keys:104\r\n"), settings, recheck.memory).status == Status::ok);
    CHECK(evaluate_redis(with_info("evicted_keys:2\r\n"), settings, recheck.memory).status ==
          Status::warning);
}

TEST_CASE("The last snapshot is judged by its age and by its outcome") {
    RedisSettings settings;
    settings.rdb_age = {Amount{Amount::Unit::milliseconds, 8.0 * 3600 * 1000}, {}};
    const std::string old = "rdb_last_save_time:960000\r\nrdb_last_bgsave_status:ok\r\n"; // 11 h ago
    const CheckResult aged =
        evaluate_redis(with_info(old + "rdb_changes_since_last_save:7\r\n"), settings, {});
    CHECK(aged.status == Status::warning);
    CHECK(aged.message.en.find("7 changes since would be lost") != std::string::npos);
    CHECK(evaluate_redis(with_info(old + "rdb_changes_since_last_save:0\r\n"), settings, {}).status ==
          Status::ok);
    CHECK(
        evaluate_redis(with_info("rdb_last_save_time:999999\r\nrdb_last_bgsave_status:err\r\n"), settings, {})
            .status == Status::critical);
    CHECK(evaluate_redis(with_info("rdb_last_save_time:99999999999999999999\r\n"), settings, {}).status ==
          Status::ok);
}

TEST_CASE("The append-only file must be on and well") {
    RedisSettings settings;
    settings.aof = "ok";
    const auto with = [&](const char* info) { return evaluate_redis(with_info(info), settings, {}).status; };
    CHECK(with("aof_enabled:0\r\n") == Status::warning);
    CHECK(with("aof_enabled:1\r\naof_last_write_status:err\r\n") == Status::critical);
    CHECK(with("aof_enabled:1\r\naof_last_write_status:ok\r\naof_last_bgrewrite_status:err\r\n") ==
          Status::warning);
    CHECK(with("aof_enabled:1\r\naof_last_write_status:ok\r\naof_last_bgrewrite_status:ok\r\n") ==
          Status::ok);
    RedisSample refused = well();
    refused.info.clear();
    CHECK(evaluate_redis(refused, settings, {}).status == Status::warning);
}

#include "checks/celery.h"
#include "support/bare_world.h"
#include "support/fake_redis.h"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

// Recorded from Celery 5.2 (kombu 5.2): {"celery@one": {"ok": "pong"}}.
const std::string k_pong =
    R"({"body": "eyJjZWxlcnlAb25lIjogeyJvayI6ICJwb25nIn19", "content-encoding": "utf-8",
    "content-type": "application/json", "headers": {"ticket": "t", "clock": 7}, "properties": {"body_encoding": "base64"}})";

// {"WORKER": [{"name": "QUEUE"}, …]}, with what else may stand there.
std::string telling(const std::string& worker, const std::vector<std::string>& queues) {
    static const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string body = "{\"" + worker + "\": [{\"name\": 7}, \"odd\"";
    for (const std::string& queue : queues) {
        body += ", {\"name\": \"" + queue + "\", \"exchange\": {\"type\": \"direct\"}, \"routing_key\": \"" +
                queue + "\"}";
    }
    body += "]}";
    body.append((3 - body.size() % 3) % 3, ' '); // no padding needed
    std::string encoded;
    for (std::size_t i = 0; i < body.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return static_cast<unsigned>(static_cast<unsigned char>(body[i + at]));
        };
        const unsigned group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (const unsigned shift : {18U, 12U, 6U, 0U}) {
            encoded += alphabet[group >> shift & 63U];
        }
    }
    return R"({"content-type": "application/json", "body": ")" + encoded + "\"}";
}

// A Redis with one worker behind it; what is stored in it is kept.
struct Broker {
    FakeRedis redis;
    std::set<std::string> bindings, lists;
    std::int64_t listening = 1;
    int answers = 1;
    std::vector<std::string> told{k_pong}; // one after the other; the last again and again

    explicit Broker(FakeClock& clock) {
        redis.answer = [this, &clock](const FakeRedis::Command& command) -> Result<RedisReply> {
            const std::string& name = command[0];
            if (name == "SADD") {
                bindings.insert(command[2]);
            } else if (name == "SREM") {
                bindings.erase(command[2]);
            } else if (name == "DEL") {
                lists.erase(command[1]);
            } else if (name == "PUBLISH") {
                return redis_number(listening);
            } else if (name == "BRPOP") {
                if (answers-- > 0) {
                    const std::string said = told.front();
                    if (told.size() > 1) {
                        told.erase(told.begin());
                    }
                    return redis_array({redis_text(command[1]), redis_text(said)});
                }
                clock.advance(Duration(static_cast<std::int64_t>(std::stod(command[2]) * 1000)));
                return RedisReply{};
            }
            return redis_number(1);
        };
    }
};

CheckResult run_check(BareWorld& bare, FakeRedis& redis, int workers = 1,
                      const std::map<std::string, std::string>& memory = {}, Duration left = 10s,
                      const std::vector<std::string>& consumed = {}) {
    World world{bare.clock, bare.files, bare.host, bare.http, bare.processes, bare.services, redis};
    CelerySettings settings;
    settings.broker = Secret("redis://127.0.0.1:6379/3");
    settings.workers = workers;
    settings.consumed = consumed;
    const auto check = celery_check_type().make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run(
        {world, bare.clock.now(), bare.clock.steady() + left, memory, false});
}

const FakeRedis::Command* find(const FakeRedis& redis, const std::string& name) {
    for (const FakeRedis::Command& command : redis.commands) {
        if (command[0] == name) {
            return &command;
        }
    }
    return nullptr;
}

} // namespace

TEST_CASE("A worker's answer is read out of its envelope") {
    CHECK(worker_answer(k_pong)->worker == "celery@one");
    const auto queues = worker_answer(telling("celery@two", {"celery", "heavy"}));
    REQUIRE(queues.has_value());
    CHECK(queues->worker == "celery@two");
    CHECK(queues->queues == std::set<std::string>{"celery", "heavy"});
    CHECK(worker_answer(telling("celery@two", {}))->queues.empty());
    for (const char* bad :
         {"", "garbage", "[]", "{}", R"({"body": 7})", R"({"body": "!!!"})", R"({"body": "e30="})",
          R"({"body": "eyJhIjogeyJlcnJvciI6ICJubyJ9fQ=="})"}) { // {"a": {"error": "no"}}
        CAPTURE(bad);
        CHECK_FALSE(worker_answer(bad).has_value());
    }
    CHECK_FALSE(worker_answer(std::string(100'000, '[')).has_value());
}

TEST_CASE("Returns as soon as enough workers have answered, and leaves nothing behind") {
    BareWorld bare;
    Broker broker(bare.clock);
    const CheckResult result = run_check(bare, broker.redis);
    CHECK(result.status == Status::ok);
    CHECK(broker.bindings.empty());
    REQUIRE(find(broker.redis, "PUBLISH") != nullptr);
    CHECK((*find(broker.redis, "PUBLISH"))[1] == "/3.celery.pidbox");
    CHECK(std::count_if(broker.redis.commands.begin(), broker.redis.commands.end(),
                        [](const auto& command) { return command[0] == "BRPOP"; }) == 1);
    const FakeRedis::Command& last = broker.redis.commands.back();
    CHECK(last == FakeRedis::Command{"DEL", (*find(broker.redis, "BRPOP"))[1]});
}

TEST_CASE("Too few answers in time: critical, and nothing is left behind either") {
    BareWorld bare;
    Broker broker(bare.clock);
    broker.listening = 2;
    const SteadyTime begun = bare.clock.steady();
    const CheckResult result = run_check(bare, broker.redis, 2);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en.find("1 of 2 workers answered within 3 s") != std::string::npos);
    CHECK(result.message.en.find("celery@one") != std::string::npos);
    CHECK(bare.clock.steady() - begun <= 3100ms);
    CHECK(broker.bindings.empty());
    CHECK(broker.redis.commands.back()[0] == "DEL");
}

TEST_CASE("Nobody listens: known at once") {
    BareWorld bare;
    Broker broker(bare.clock);
    broker.listening = 0;
    const SteadyTime begun = bare.clock.steady();
    const CheckResult result = run_check(bare, broker.redis);
    CHECK(result.status == Status::critical);
    CHECK(bare.clock.steady() == begun);
    CHECK(result.message.en == "no worker is connected to the broker"); // not "within 3 s": nobody waited
    CHECK(result.hint.en.find("systemctl list-units") != std::string::npos);
}

TEST_CASE("Fewer connected than wanted, all of them well: no time is blamed") {
    CelerySettings settings;
    settings.workers = 2;
    CelerySample sample;
    sample.listening = 1;
    sample.answered["celery@one"] = {};
    CHECK(evaluate_celery(sample, settings).message.ru ==
          "к брокеру подключено: 1 воркер, а нужно не меньше 2; ответили: celery@one");
    sample.answered.clear();
    const CheckResult silent = evaluate_celery(sample, settings);
    CHECK(silent.message.ru == "ответили 0 из 2 воркеров за 3 s");
    CHECK(silent.hint.ru.find("journalctl") != std::string::npos);
}

TEST_CASE("A list that a late worker left in the last run is removed in this one") {
    BareWorld bare;
    Broker broker(bare.clock);
    const CheckResult first = run_check(bare, broker.redis);
    broker.redis.commands.clear();
    run_check(bare, broker.redis, 1, first.memory);
    CHECK(broker.redis.commands.front() ==
          FakeRedis::Command{"DEL", first.memory.at("asked") + ".reply.celery.pidbox"});
}

TEST_CASE("A broker that is down or refuses us is no reason to restart workers") {
    BareWorld bare;
    FakeRedis redis;
    redis.refuses = Error{GENERATE(ErrorKind::io, ErrorKind::permission, ErrorKind::timeout), "no"};
    const CheckResult result = run_check(bare, redis);
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
}

TEST_CASE("What the end of the run cut short is not the workers' fault") {
    BareWorld bare;
    Broker broker(bare.clock);
    broker.answers = 0;
    CHECK(run_check(bare, broker.redis, 1, {}, 2s).status == Status::unknown);
    CHECK(broker.bindings.empty());
    CHECK(run_check(bare, broker.redis).status == Status::critical);
}

TEST_CASE("Every queue that must be worked off has a worker: one question asks both") {
    BareWorld bare;
    Broker broker(bare.clock);
    broker.listening = broker.answers = 3;
    broker.told = {telling("celery@a", {"celery"}), "garbage", telling("celery@b", {"heavy", "other"})};
    const CheckResult result = run_check(bare, broker.redis, 1, {}, 10s, {"celery", "heavy"});
    CHECK(result.status == Status::ok);
    CHECK(result.message.en.find("2 workers") == 0);
    // Not one question more than needed: both queues were seen.
    CHECK(broker.answers == 0);
    CHECK(std::count_if(broker.redis.commands.begin(), broker.redis.commands.end(),
                        [](const auto& command) { return command[0] == "PUBLISH"; }) == 1);
    CHECK(broker.bindings.empty());
}

TEST_CASE("A queue without a worker is critical as soon as all have answered") {
    BareWorld bare;
    Broker broker(bare.clock);
    broker.told = {telling("celery@a", {"celery"})};
    const SteadyTime begun = bare.clock.steady();
    const CheckResult result = run_check(bare, broker.redis, 1, {}, 10s, {"celery", "heavy"});
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "nobody works off the queue heavy; the workers that answered consume: celery");
    CHECK(bare.clock.steady() == begun);
    SECTION("or when time is over, and then it is said who was silent") {
        broker.listening = 2;
        broker.answers = 1;
        CHECK_THAT(run_check(bare, broker.redis, 1, {}, 10s, {"heavy"}).message.en,
                   Catch::Contains("1 of 2 listening workers answered within 3 s"));
    }
    SECTION("a worker may have no queue at all") {
        broker.answers = 1;
        broker.told = {telling("celery@a", {})};
        CHECK_THAT(run_check(bare, broker.redis, 1, {}, 10s, {"heavy"}).message.en,
                   Catch::Contains("consume: nothing"));
    }
}

#include "heartbeat/watchdog.h"

#include <chrono>
#include <random>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::heartbeat;
using namespace std::chrono_literals;

namespace {

using Failure = HttpAnswer::Failure;

constexpr SteadyTime k_start{1000s};
constexpr SteadyTime k_much_later = k_start + 24h;

Heard heard_of(Failure failure, int status = 0) {
    HttpAnswer answer;
    answer.failure = failure;
    answer.status = status;
    return heard(answer);
}

Watchdog started() {
    return {WatchdogRules{}, k_start};
}

} // namespace

TEST_CASE("watchdog: a whole answer is one, whatever it says") {
    for (const int status : {200, 204, 301, 400, 401, 404, 429, 500, 503}) {
        CHECK(heard_of(Failure::none, status) == Heard::answer);
    }
    CHECK(heard_of(Failure::too_large, 200) == Heard::answer);
}

TEST_CASE("watchdog: a proxy that says that nobody is behind it is no answer") {
    CHECK(heard_of(Failure::none, 502) == Heard::silence);
    CHECK(heard_of(Failure::none, 504) == Heard::silence);
}

TEST_CASE("watchdog: what is wrong with us, a name or a certificate, says nothing of the server") {
    for (const Failure failure : {Failure::own_fault, Failure::dns, Failure::dns_timeout,
                                  Failure::unreachable, Failure::tls, Failure::other}) {
        CHECK(heard_of(failure) == Heard::unknown);
    }
    for (const Failure failure : {Failure::refused, Failure::timeout, Failure::closed, Failure::not_http}) {
        CHECK(heard_of(failure) == Heard::silence);
    }
}

TEST_CASE("watchdog: so many in a row, and not one fewer") {
    Watchdog watchdog = started();
    watchdog.take(Heard::answer);
    for (const Heard between : {Heard::answer, Heard::unknown}) {
        watchdog.take(Heard::silence);
        watchdog.take(Heard::silence);
        CHECK(watchdog.is_alive(k_much_later));
        watchdog.take(between);
        CHECK(watchdog.failed() == 0);
    }
    for (int i = 0; i < 3; ++i) {
        CHECK(watchdog.is_alive(k_much_later));
        watchdog.take(Heard::silence);
    }
    CHECK_FALSE(watchdog.is_alive(k_much_later));
    watchdog.take(Heard::answer);
    CHECK(watchdog.is_alive(k_much_later));
}

TEST_CASE("watchdog: while it starts it need not answer, and not a moment longer") {
    Watchdog watchdog = started();
    for (int i = 0; i < 10; ++i) {
        watchdog.take(Heard::silence);
    }
    CHECK(watchdog.is_alive(k_start + 59s));
    CHECK_FALSE(watchdog.is_alive(k_start + 60s));
    CHECK_FALSE(watchdog.has_answered());
}

TEST_CASE("watchdog: what has answered once has started") {
    Watchdog watchdog = started();
    watchdog.take(Heard::answer);
    for (int i = 0; i < 3; ++i) {
        watchdog.take(Heard::silence);
    }
    CHECK_FALSE(watchdog.is_alive(k_start + 1s));
}

TEST_CASE("watchdog: who could not ask has not heard it start") {
    Watchdog watchdog = started();
    watchdog.take(Heard::unknown);
    CHECK_FALSE(watchdog.has_answered());
    CHECK(watchdog.is_alive(k_much_later));
}

TEST_CASE("watchdog: dead exactly after the last `fails` probes were silent, in any history") {
    std::mt19937 random(20261123);
    for (int history = 0; history < 1000; ++history) {
        WatchdogRules rules;
        rules.fails = std::uniform_int_distribution(1, 5)(random);
        rules.start_period = 0s;
        Watchdog watchdog(rules, k_start);
        int silent = 0;
        for (int probe = 0; probe < 50; ++probe) {
            const auto what = static_cast<Heard>(std::uniform_int_distribution(0, 2)(random));
            watchdog.take(what);
            silent = what == Heard::silence ? silent + 1 : 0;
            REQUIRE(watchdog.is_alive(k_start + 1s) == (silent < rules.fails));
        }
    }
}

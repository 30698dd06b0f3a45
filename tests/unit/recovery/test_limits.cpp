#include "recovery/limits.h"
#include "support/fake_clock.h"

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

RecoveryState failed_times(int times, const Now& last, const std::string& check = "site") {
    RecoveryState state;
    for (int i = 0; i < times; ++i) {
        note_attempt(state, check, last);
    }
    return state;
}

// Seen good now and a cooldown later.
void stays_good(RecoveryState& state, const std::string& check, const RecoveryLimits& limits,
                FakeClock& clock) {
    note_success(state, check, limits, clock.now());
    clock.advance(limits.cooldown);
    note_success(state, check, limits, clock.now());
}

Turn turn_after(int failed, Duration passed) {
    FakeClock clock;
    const RecoveryState state = failed_times(failed, clock.now());
    clock.advance(passed);
    return turn_of(state.roots.at("site"), RecoveryLimits{}, clock.now());
}

} // namespace

TEST_CASE("The first attempt waits for nothing") {
    const Turn turn = turn_of(Attempts{}, RecoveryLimits{}, FakeClock().now());
    CHECK(turn.now());
    CHECK(turn.attempt == 1);
}

TEST_CASE("Waits grow before the second and the third attempt") {
    CHECK(turn_after(1, 59s).left == 1s);
    CHECK(turn_after(1, 60s).now());
    CHECK(turn_after(1, 60s).attempt == 2);
    CHECK(turn_after(2, 4min).left == 1min);
    CHECK(turn_after(2, 5min).attempt == 3);
}

TEST_CASE("After the limit the cooldown doubles up to an hour") {
    const std::vector<Duration> expected{5min, 10min, 20min, 40min, 60min, 60min};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(turn_after(3 + static_cast<int>(i), 0s).left == expected[i]);
    }
    CHECK(turn_after(1'000'000, 0s).left == 1h);
}

TEST_CASE("A cooldown configured above an hour is kept as it is") {
    FakeClock clock;
    RecoveryLimits limits;
    limits.cooldown = 2h;
    CHECK(turn_of(failed_times(5, clock.now()).roots.at("site"), limits, clock.now()).left == 2h);
}

TEST_CASE("More attempts than waits: the last wait is used again; no waits: at once") {
    FakeClock clock;
    RecoveryLimits limits;
    limits.attempts = 10;
    CHECK(turn_of(failed_times(7, clock.now()).roots.at("site"), limits, clock.now()).left == 15min);
    limits.waits.clear();
    CHECK(turn_of(failed_times(7, clock.now()).roots.at("site"), limits, clock.now()).now());
}

TEST_CASE("A person is called once in a row of attempts") {
    const RecoveryLimits limits;
    FakeClock clock;
    const Now now = clock.now();
    RecoveryState state;
    note_attempt(state, "site", now);
    note_attempt(state, "site", now);
    CHECK_FALSE(give_up(state, "site", limits));
    note_attempt(state, "site", now);
    CHECK(give_up(state, "site", limits));
    note_attempt(state, "site", now);
    CHECK_FALSE(give_up(state, "site", limits));

    stays_good(state, "site", limits, clock);
    CHECK_FALSE(give_up(state, "site", limits));
    CHECK(state.roots.empty());
}

TEST_CASE("A success ends a row of attempts once it has lasted the cooldown") {
    const RecoveryLimits limits;
    FakeClock clock;
    RecoveryState state = failed_times(2, clock.now());
    const auto good_for = [&](Duration at_most) {
        for (Duration passed{}; passed < at_most; passed += 1min) {
            note_success(state, "site", limits, clock.now());
            clock.advance(1min);
            state = current_state(read_recovery_state(write_recovery_state(state)), clock.now());
        }
    };
    good_for(4min);
    note_fall(state, "site");
    CHECK(turn_of(state.roots.at("site"), limits, clock.now()).attempt == 3);
    good_for(5min);
    CHECK(state.roots.at("site").failed == 2);
    SECTION("it has lasted") {
        note_success(state, "site", limits, clock.now());
        CHECK(state.roots.empty());
    }
    SECTION("it has lasted, over a reboot, too") {
        clock.reboot(0s);
        state = current_state(state, clock.now());
        note_success(state, "site", limits, clock.now());
        CHECK(state.roots.empty());
    }
    SECTION("an attempt that is begun begins it anew") {
        note_attempt(state, "site", clock.now());
        note_success(state, "site", limits, clock.now());
        CHECK(state.roots.at("site").failed == 3);
    }
    note_success(state, "other", limits, clock.now()); // of what was never tried nothing is kept
    CHECK_FALSE(state.roots.contains("other"));
}

TEST_CASE("Runs that wait in vain for systemd are counted apart from attempts") {
    const RecoveryLimits limits;
    FakeClock clock;
    RecoveryState state;
    CHECK_FALSE(waited_too_often(state, "site", limits, clock.now()));
    CHECK_FALSE(waited_too_often(state, "site", limits, clock.now()));
    CHECK(read_recovery_state(write_recovery_state(state)) == state);
    CHECK(
        turn_of(state.roots.at("site"), limits, clock.now()).now()); // once systemd gives up, acting is free
    CHECK(waited_too_often(state, "site", limits, clock.now()));
    stays_good(state, "site", limits, clock);
    CHECK_FALSE(waited_too_often(state, "site", limits, clock.now()));
}

TEST_CASE("A person who was called for another reason is not called again by useless attempts") {
    FakeClock clock;
    const Now now = clock.now();
    RecoveryState state;
    CHECK(call_person(state, "site", now));
    CHECK_FALSE(call_person(state, "site", now));
    CHECK(turn_of(state.roots.at("site"), RecoveryLimits{}, now).now()); // no attempt was made
    CHECK(read_recovery_state(write_recovery_state(state)) == state);
    for (int i = 0; i < 5; ++i) {
        note_attempt(state, "site", now);
    }
    CHECK_FALSE(give_up(state, "site", RecoveryLimits{}));
    stays_good(state, "site", RecoveryLimits{}, clock);
    CHECK(call_person(state, "site", now));
}

TEST_CASE("per_hour lets the next action through when the oldest is an hour old") {
    FakeClock clock;
    RecoveryLimits limits;
    limits.per_hour = 2;
    RecoveryState state;
    CHECK(until_disruptive(state, limits, clock.now()) == 0s);
    note_disruptive(state, clock.now());
    clock.advance(10min);
    note_disruptive(state, clock.now());
    CHECK(until_disruptive(state, limits, clock.now()) == 50min);
    clock.advance(50min);
    CHECK(until_disruptive(state, limits, clock.now()) == 0s);
}

TEST_CASE("per_hour = 0 lets nothing through, ever") {
    FakeClock clock;
    RecoveryLimits limits;
    limits.per_hour = 0;
    CHECK(until_disruptive({}, limits, clock.now()) == 1h);
    clock.advance(24h);
    CHECK(until_disruptive({}, limits, clock.now()) == 1h);
}

TEST_CASE("Limits survive a reboot") {
    FakeClock clock;
    RecoveryState state = failed_times(1, clock.now());
    note_disruptive(state, clock.now());
    clock.reboot(20s);
    state = current_state(read_recovery_state(write_recovery_state(state)), clock.now());
    CHECK(turn_of(state.roots.at("site"), RecoveryLimits{}, clock.now()).left == 40s);
    CHECK(state.disruptive.size() == 1);
}

TEST_CASE("A wall clock that was ahead before the reboot silences nothing for longer than the usual wait") {
    FakeClock clock;
    clock.jump_wall(24h * 365 * 12);
    RecoveryState state = failed_times(4, clock.now());
    note_disruptive(state, clock.now());
    clock.jump_wall(-24h * 365 * 12);
    clock.reboot(1min);

    state = current_state(state, clock.now());
    CHECK(turn_of(state.roots.at("site"), RecoveryLimits{}, clock.now()).left == 10min);
    clock.advance(1h);
    state = current_state(state, clock.now());
    CHECK(turn_of(state.roots.at("site"), RecoveryLimits{}, clock.now()).now());
    CHECK(state.disruptive.empty());
}

TEST_CASE("Setting the wall clock within one boot changes no wait") {
    FakeClock clock;
    RecoveryState state = failed_times(1, clock.now());
    clock.jump_wall(24h);
    CHECK(turn_of(current_state(state, clock.now()).roots.at("site"), RecoveryLimits{}, clock.now()).left ==
          1min);
    clock.jump_wall(-48h);
    CHECK(turn_of(current_state(state, clock.now()).roots.at("site"), RecoveryLimits{}, clock.now()).left ==
          1min);
}

TEST_CASE("Checks that left the configuration are forgotten") {
    RecoveryState state = failed_times(1, FakeClock().now(), "site");
    note_attempt(state, "old", FakeClock().now());
    forget_all_but(state, {"site", "api"});
    CHECK(state.roots.size() == 1);
    CHECK(state.roots.contains("site"));
}

TEST_CASE("The state comes back from its file as it was") {
    FakeClock clock;
    RecoveryState state = failed_times(3, clock.now());
    CHECK(give_up(state, "site", RecoveryLimits{}));
    note_disruptive(state, clock.now());
    CHECK(read_recovery_state(write_recovery_state(state)) == state);
}

TEST_CASE("What is malformed in the file is as if it had never been written") {
    const auto text =
        GENERATE(as<std::string>{}, "", "garbage", "[]", "{}", "null", R"({"roots":7,"disruptive":{}})",
                 R"({"roots":{"site":[]},"disruptive":[7,{},{"wall_ms":"x"},{"wall_ms":-5}]})",
                 R"({"roots":{"site":{"failed":-3}}})", R"({"roots":{"site":{"failed":"many"}}})");
    CHECK(read_recovery_state(text) == RecoveryState{});
}

TEST_CASE("Numbers that no run has written stay within bounds") {
    FakeClock clock;
    RecoveryState state = read_recovery_state(
        R"({"roots":{"site":{"failed":9223372036854775807,"last":{"wall_ms":9223372036854775807,
            "boot_ms":-9223372036854775808,"boot_id":"boot-1"}}}})");
    state = current_state(state, clock.now());
    CHECK(turn_of(state.roots.at("site"), RecoveryLimits{}, clock.now()).left <= 1h);
    note_attempt(state, "site", clock.now());
    CHECK(state.roots.at("site").failed > 0);
}

// ── properties over random histories
// ────────────────────────────────────────────────────────────────────────────

namespace {

// A check that fails and recovers at random, on a host that reboots and whose wall clock jumps at random.
class History {
  public:
    explicit History(unsigned seed) : m_random(seed) {
        limits.attempts = between(1, 5);
        limits.cooldown = std::chrono::minutes(between(1, 30));
        limits.waits.clear();
        for (int i = between(0, 4); i > 0; --i) {
            limits.waits.emplace_back(std::chrono::seconds(between(0, 1200)));
        }
        limits.per_hour = between(1, 8);
    }

    void minute_passes() {
        const Duration late{between(0, 3000)};
        clock.advance(57s + late);
        real += 57s + late;
        if (one_in(40)) {
            clock.reboot(30s);
            real += 30s;
        }
        if (one_in(40)) {
            clock.jump_wall(std::chrono::hours(between(-100'000, 100'000)));
        }
    }
    bool one_in(int n) { return between(1, n) == 1; }
    int between(int least, int most) { return std::uniform_int_distribution(least, most)(m_random); }

    FakeClock clock;
    Duration real{}; // time as it truly passed
    RecoveryLimits limits;

  private:
    std::mt19937 m_random;
};

} // namespace

TEST_CASE("Random histories without clock jumps: waits, per_hour and the one call for a person are kept") {
    for (unsigned seed = 0; seed < 300; ++seed) {
        History history(seed);
        CAPTURE(seed);
        RecoveryState state;
        std::vector<Duration> acted;
        std::optional<Duration> last_attempt;
        int failed = 0;
        int calls = 0;
        for (int minute = 0; minute < 400; ++minute) {
            history.clock.advance(60s);
            history.real += 60s;
            if (history.one_in(60)) {
                history.clock.reboot(0s);
            }
            const Now now = history.clock.now();
            state = current_state(read_recovery_state(write_recovery_state(state)), now);
            if (history.one_in(30)) {
                stays_good(state, "site", history.limits, history.clock);
                history.real += history.limits.cooldown;
                failed = calls = 0;
                last_attempt.reset();
                continue;
            }
            const Turn turn =
                state.roots.contains("site") ? turn_of(state.roots["site"], history.limits, now) : Turn{};
            REQUIRE(turn.attempt == failed + 1);
            if (!turn.now() || until_disruptive(state, history.limits, now) > 0s) {
                continue;
            }
            if (last_attempt && failed >= history.limits.attempts) {
                REQUIRE(history.real - *last_attempt >= std::min<Duration>(history.limits.cooldown, 1h));
            }
            note_disruptive(state, now);
            note_attempt(state, "site", now);
            calls += give_up(state, "site", history.limits) ? 1 : 0;
            ++failed;
            last_attempt = history.real;
            acted.push_back(history.real);
            REQUIRE(calls == (failed >= history.limits.attempts ? 1 : 0));
        }
        for (std::size_t i = static_cast<std::size_t>(history.limits.per_hour); i < acted.size(); ++i) {
            REQUIRE(acted[i] - acted[i - static_cast<std::size_t>(history.limits.per_hour)] >= 1h);
        }
    }
}

TEST_CASE("Random histories with clocks that jump and reboots: the healer is never silenced") {
    for (unsigned seed = 0; seed < 300; ++seed) {
        History history(seed);
        CAPTURE(seed);
        RecoveryState state;
        Duration last_attempt{};
        Duration last_disturbance{};
        for (int minute = 0; minute < 600; ++minute) {
            const Now before = history.clock.now();
            history.minute_passes();
            const Now now = history.clock.now();
            if (now.boot_id != before.boot_id) {
                last_disturbance = history.real; // only a reboot makes the wall clock count
            }
            state = current_state(state, now);
            const Turn turn =
                state.roots.contains("site") ? turn_of(state.roots["site"], history.limits, now) : Turn{};
            if (turn.now() && until_disruptive(state, history.limits, now) == 0s) {
                note_disruptive(state, now);
                note_attempt(state, "site", now);
                last_attempt = history.real;
            }
            // Nothing but the longest wait (an hour; of the hour's limit, too) since the last of both.
            REQUIRE(history.real - std::max(last_attempt, last_disturbance) <= 1h + 2min);
            REQUIRE(state.disruptive.size() <= static_cast<std::size_t>(history.limits.per_hour) + 1);
        }
    }
}

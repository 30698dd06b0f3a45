// Runs that die at each of their steps: what the operator's phone shows after the next ones. Slow, so a binary of its own.
#include "machine.h"

#include <cerrno>
#include <random>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a run that dies at any of its steps: the next works, and nothing is lost or told twice") {
    const bool is_first = GENERATE(false, true);
    for (const bool power_cut : {false, true}) {
        std::size_t step = 1;
        for (bool stopped = true; stopped; ++step) {
            CAPTURE(is_first, step, power_cut);
            Machine host;
            if (!is_first) {
                host.run();
            }
            host.outside.broken = true;
            host.files.crash_at(step);
            stopped = stopped_by_crash([&] { host.run(without_recovery()); });
            if (power_cut) {
                host.files.power_cut();
            }
            host.files.heal();
            for (int i = 0; i < 3; ++i) {
                const RunOutcome outcome = host.run(without_recovery());
                REQUIRE_FALSE(outcome.no_run.has_value());
                REQUIRE(outcome.exit == ExitCode::critical);
            }
            // A second copy is possible only where the answer to an accepted request was lost.
            const Events told = host.outside.told();
            REQUIRE(!told.empty());
            REQUIRE(told.size() <= 2);
            REQUIRE((told.size() == 1 || host.outside.marked.back()));
            REQUIRE(std::set<Event>(told.begin(), told.end()) == std::set<Event>{Event::opened});
        }
        CHECK(step > 10);
    }
}

TEST_CASE("a run that dies at any of its steps, and the site is another when the next looks") {
    const bool breaks = GENERATE(false, true);
    for (const bool power_cut : {false, true}) {
        std::size_t step = 1;
        for (bool stopped = true; stopped; ++step) {
            CAPTURE(breaks, step, power_cut);
            Machine host;
            host.outside.broken = !breaks;
            host.run(without_recovery());
            host.outside.broken = breaks;
            host.files.crash_at(step);
            stopped = stopped_by_crash([&] { host.run(without_recovery()); });
            if (power_cut) {
                host.files.power_cut();
            }
            host.files.heal();
            host.outside.broken = !breaks;
            host.run(without_recovery());
            REQUIRE(host.phone_agrees());
            for (int i = 0; i < 3; ++i) {
                host.outside.broken = !host.outside.broken;
                host.run(without_recovery());
                REQUIRE(host.phone_agrees());
            }
            REQUIRE(host.nothing_comes_twice_unmarked());
        }
        CHECK(step > 10);
    }
}

TEST_CASE("whatever befalls runs, state and phone: one whole run later the phone agrees with the truth") {
    for (std::uint32_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto one_in = [&](unsigned n) { return random() % n == 0; };
        Machine host;
        host.job.remind = {};
        host.job.checks[0].policy.common.flap = {0, 0};
        std::string story; // of what befell, for who looks into a failure
        for (int minute = 0; minute < 40; ++minute) {
            host.outside.broken = one_in(2);
            host.outside.phone_reachable = !one_in(5);
            const bool damaged = one_in(8);
            if (damaged) {
                spill(host.job.paths.state / "health/state.json", "garbage");
            }
            Wishes wishes = without_recovery();
            wishes.notify = !one_in(6);
            const bool full = one_in(8);
            if (full) {
                host.files.fail_writing(ENOSPC, host.folder / "state/outbox");
            } else if (one_in(2)) {
                host.files.crash_at(1 + random() % 90);
            }
            const bool stopped = stopped_by_crash([&] { host.run(wishes); });
            const bool power_cut = stopped && one_in(3);
            if (power_cut) {
                host.files.power_cut();
            }
            host.files.heal();
            for (const auto& [holds, word] :
                 {std::pair(true, "\n"), std::pair(host.outside.broken, " broken"),
                  std::pair(!host.outside.phone_reachable, " no-phone"), std::pair(damaged, " damaged"),
                  std::pair(!wishes.notify, " no-notify"), std::pair(full, " full"),
                  std::pair(stopped, " killed"), std::pair(power_cut, " power-cut")}) {
                story += holds ? word : "";
            }
            story += host.phone_shows();
            if (one_in(4)) {
                host.outside.broken = one_in(2);
                host.outside.phone_reachable = true;
                host.bare.clock.advance(std::chrono::minutes(3)); // the longest wait after a failure
                host.run(without_recovery());
                story += host.outside.broken ? "\n broken, whole" : "\n good, whole";
                story += host.phone_shows();
                CAPTURE(story);
                REQUIRE(host.phone_agrees());
            }
        }
    }
}

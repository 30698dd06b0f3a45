// The gate on the live site, over made-up looks and made-up time.
#include "platform/stop.h"
#include "release/live_gate.h"
#include "support/fake_clock.h"

#include <functional>
#include <string>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;
using namespace std::chrono_literals;
using Outcome = Verdict::Outcome;

namespace {

Look look_of(Status status, const std::string& name = "site") {
    return {{{name, status, verbatim(std::string(to_string(status))), verbatim("look at " + name)}}};
}

// What is seen is written down a letter a look, the last one for ever: p(ass) w(arning) f(ail) u(nknown).
class MadeUpGate final : public LiveGate {
  public:
    MadeUpGate(FakeClock& the_clock, std::string letters) : clock(the_clock), seen(std::move(letters)) {}

    [[nodiscard]] bool has_checks() const override { return !seen.empty(); }
    [[nodiscard]] bool has_walk() const override { return walks_like.has_value(); }
    [[nodiscard]] std::vector<std::string> names() const override { return {"site"}; }
    Look look(SteadyTime until) override {
        const char letter = seen[std::min(looks, seen.size() - 1)];
        ++looks;
        began.push_back(clock.steady());
        clock.advance(std::min(takes, std::chrono::ceil<Duration>(until - clock.steady())));
        if (on_look) {
            on_look();
        }
        return look_of(letter == 'p'   ? Status::ok
                       : letter == 'w' ? Status::warning
                       : letter == 'f' ? Status::critical
                                       : Status::unknown);
    }
    Look walk() override {
        ++walks;
        return *walks_like;
    }

    std::optional<Text> unseen_page(std::string_view, SteadyTime) override { return std::nullopt; }

    FakeClock& clock;
    std::string seen;
    Duration takes{};
    std::function<void()> on_look;
    std::optional<Look> walks_like;
    std::size_t looks = 0;
    int walks = 0;
    std::vector<SteadyTime> began;
};

GateSettings settings(int passes = 3, Duration within = 30s) {
    GateSettings settings;
    settings.passes = passes;
    settings.within = within;
    return settings;
}

struct StopAsked {
    StopAsked() { request_stop_for_test(15); }
    ~StopAsked() { request_stop_for_test(0); }
    StopAsked(const StopAsked&) = delete;
    StopAsked& operator=(const StopAsked&) = delete;
};

} // namespace

TEST_CASE("gate: so many passes in a row, a second apart", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "p");
    const Verdict verdict = watch(gate, settings(), clock, k_files_patience);
    CHECK(verdict.outcome == Outcome::passed);
    CHECK(verdict.looks == 3);
    CHECK(verdict.took == 2s);
    CHECK(gate.walks == 0);
    CHECK(gate.began[1] - gate.began[0] == 1s);
}

TEST_CASE("gate: a failure between them begins the row anew", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "ppfppfppp");
    const Verdict verdict = watch(gate, settings(), clock, k_files_patience);
    CHECK(verdict.outcome == Outcome::passed);
    CHECK(verdict.looks == 9);
}

TEST_CASE("gate: files that fail twice in a row are broken, a service may still be starting", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "ffffppp");
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::failed);
    CHECK(gate.looks == 2);
    MadeUpGate again(clock, "ffffppp");
    CHECK(watch(again, settings(), clock, k_start_patience).outcome == Outcome::passed);
    CHECK(again.looks == 7);
}

TEST_CASE("gate: what could not be seen is no pass", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "u");
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::failed);
    CHECK(gate.looks == 2);
    CHECK_FALSE(passes(Look{}));
}

TEST_CASE("gate: a warning passes and is kept to be told", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "w");
    const Verdict verdict = watch(gate, settings(), clock, k_files_patience);
    CHECK(verdict.outcome == Outcome::passed);
    CHECK(words_of_warnings(verdict.last).en == "site: warning");
    CHECK(words_of_failures(verdict.last).empty());
}

TEST_CASE("gate: it ends when the passes cannot be reached any more", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "f");
    const Verdict verdict = watch(gate, settings(3, 10s), clock, k_start_patience);
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(verdict.took == 8s); // three passes from 9 s on would end at 11 s
    CHECK(words_of_failures(verdict.last).en == "site: critical");
    CHECK(hint_of_failures(verdict.last).en == "look at site");

    MadeUpGate exact(clock, "ffffffffp"); // from 8 s on they end at 10 s
    CHECK(watch(exact, settings(3, 10s), clock, k_start_patience).outcome == Outcome::passed);

    MadeUpGate never(clock, "p");
    CHECK(watch(never, settings(100, 30s), clock, k_start_patience).outcome == Outcome::failed);
    CHECK(never.looks == 0);
}

TEST_CASE("gate: slow looks count in full, and none goes on after the end", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "u");
    gate.takes = 60s;
    const Verdict verdict = watch(gate, settings(), clock, k_start_patience);
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(verdict.took == 30s);
    CHECK(verdict.looks == 1);
}

TEST_CASE("gate: the walk comes once, after the checks", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "fppp");
    gate.walks_like = look_of(Status::ok, "smoke/login");
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::passed);
    CHECK(gate.walks == 1);
    gate.walks_like = look_of(Status::critical, "smoke/login");
    const Verdict verdict = watch(gate, settings(), clock, k_files_patience);
    CHECK(verdict.outcome == Outcome::failed);
    CHECK(words_of_failures(verdict.last).en == "smoke/login: critical");

    MadeUpGate broken(clock, "f");
    broken.walks_like = look_of(Status::ok);
    CHECK(watch(broken, settings(), clock, k_files_patience).outcome == Outcome::failed);
    CHECK(broken.walks == 0);
}

TEST_CASE("gate: one that asks nothing proves nothing", "[live_gate]") {
    FakeClock clock;
    MadeUpGate gate(clock, "");
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::asks_nothing);
    CHECK(look_before(gate, settings(), clock).outcome == Outcome::asks_nothing);
    gate.walks_like = look_of(Status::ok);
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::passed);
}

TEST_CASE("gate: it stops when the process is to end, with no verdict", "[live_gate]") {
    FakeClock clock;
    std::optional<StopAsked> stop;
    MadeUpGate gate(clock, "p");
    gate.on_look = [&] {
        if (gate.looks == 2) {
            stop.emplace();
        }
    };
    CHECK(watch(gate, settings(), clock, k_files_patience).outcome == Outcome::stopped);
    CHECK(gate.looks == 2);
}

TEST_CASE("gate: before a release what fails is asked once more, without a walk", "[live_gate]") {
    FakeClock clock;
    MadeUpGate lucky(clock, "fp");
    lucky.walks_like = look_of(Status::critical);
    CHECK(look_before(lucky, settings(), clock).outcome == Outcome::passed);
    CHECK(lucky.walks == 0);
    MadeUpGate red(clock, "f");
    CHECK(look_before(red, settings(), clock).outcome == Outcome::failed);
    CHECK(red.looks == 2);
}

TEST_CASE("gate: not worse than before, check by check", "[live_gate]") {
    using enum Status;
    const auto now = [](Status site, Status api) {
        Look look = look_of(site, "site");
        look.checks.push_back(look_of(api, "api").checks.front());
        return look;
    };
    CHECK(not_worse(now(critical, ok), now(critical, ok)));
    CHECK(not_worse(now(critical, ok), now(ok, warning)));
    CHECK_FALSE(not_worse(now(critical, ok), now(ok, critical)));
    CHECK_FALSE(not_worse(now(critical, ok), now(critical, unknown)));
    CHECK_FALSE(not_worse(now(critical, ok), now(unknown, ok))); // it may be worse now: nobody saw
    CHECK_FALSE(not_worse(now(unknown, ok), now(critical, ok)));
    CHECK(not_worse(now(unknown, ok), now(unknown, ok)));
    CHECK_FALSE(not_worse(look_of(critical, "site"), look_of(critical, "smoke/login")));
}

TEST_CASE("gate: what failed is told, the worst first, and not without end", "[live_gate]") {
    Look look;
    look.checks = {
        {"slow", Status::warning, verbatim("2 s")},
        {"silent", Status::unknown, verbatim("no answer")},
        {"api", Status::critical, verbatim("HTTP 502, expected 200"), verbatim("look at gunicorn")}};
    CHECK(words_of_failures(look).en == "api: HTTP 502, expected 200; silent: no answer");
    CHECK(words_of_failures(look).ru == "api: HTTP 502, expected 200; silent: no answer");
    CHECK(words_of_warnings(look).en == "slow: 2 s");
    CHECK(hint_of_failures(look).en == "look at gunicorn");
    look.checks.assign(7, look.checks.back());
    CHECK(words_of_failures(look).en.ends_with("; and 2 more"));
}

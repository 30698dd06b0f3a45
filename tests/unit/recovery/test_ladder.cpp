#include "platform/stop.h"
#include "recovery/ladder.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <set>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

using Names = std::vector<std::string>;

// An action whose looks are scripted (by default: go) and whose acting does what the test wants.
class ScriptedAction final : public Action {
  public:
    explicit ScriptedAction(std::string target) : m_target(std::move(target)) {}
    std::string target() const override { return m_target; }
    Readiness look(const ActionContext& context) const override {
        least_uptime = context.least_uptime;
        start_up = context.start_up;
        if (looks.empty()) {
            return {};
        }
        Readiness ready = looks.front();
        looks.pop_front();
        return ready;
    }
    ActionResult act(const ActionContext& context) const override {
        ++acted;
        context.world.clock.sleep_for(takes);
        if (on_act) {
            on_act();
        }
        return {succeeds, verbatim("acted")};
    }
    Names look_with() const override { return {"look at " + m_target}; }

    mutable std::deque<Readiness> looks;
    mutable int acted = 0;
    mutable Duration least_uptime{}, start_up{};
    Duration takes{5};
    bool succeeds = true;
    std::function<void()> on_act;

  private:
    std::string m_target;
};

// A host with checks that fail until something mends them.
class Scene {
  public:
    Scene() { climber().deadline = bare.clock.steady() + 40s; }

    ScriptedAction& rung(const std::string& name, Names when, Disruptive disruptive = Disruptive::yes,
                         const std::string& target = "") {
        auto action = std::make_shared<ScriptedAction>(target.empty() ? name + ".service" : target);
        ladder.push_back({name, std::move(when), "restart", disruptive, 10s, action});
        return *action;
    }
    void fails(const std::string& check, const std::string& symptom_of = "", Status status = Status::critical,
               Remedy remedy = Remedy::try_it) {
        failures.push_back({check, status, remedy, symptom_of});
        down[check] = Status::critical;
    }
    // The judge of what outlives its root: nothing else explains it, and all rungs for it may be tried.
    void takes_up_what_outlives() {
        climber().outliving =
            Outliving{[](const LatestLooks&, const Names& symptoms) { return symptoms; },
                      [this](const LatestLooks&, const Names& symptoms) {
                          taken_up.push_back(symptoms);
                          NextRound next;
                          for (const std::string& check : symptoms) {
                              next.failures.push_back({check, Status::critical, Remedy::try_it, ""});
                          }
                          next.plan = plan_recovery(ladder, limits, state, next.failures, bare.clock.now());
                          return next;
                      }};
    }
    std::function<void()> mends(Names checks) {
        return [this, checks] {
            for (const std::string& check : checks) {
                down.erase(check);
            }
        };
    }
    RecoveryPlan plan() { return plan_recovery(ladder, limits, state, failures, bare.clock.now()); }
    RecoveryOutcome climb() {
        RecoveryOutcome outcome = lectio::climb(plan(), limits, state, failures, climber());
        state = outcome.state;
        return outcome;
    }
    Climber& climber() { return m_climber; }

    BareWorld bare;
    TempFolder folder;
    std::vector<Rung> ladder;
    RecoveryLimits limits;
    RecoveryState state;
    std::vector<ConfirmedFailure> failures;
    std::map<std::string, Status> down; // what fails now, and how
    std::vector<Names> asked;           // the rechecks, in order
    std::vector<Names> taken_up;        // symptoms that became faults of their own
    std::vector<RecoveryState> remembered;
    Duration mends_itself_after = 24h;
    std::map<std::string, int> good_looks; // so many, then it fails again; by default it stays good
    bool can_remember = true;

  private:
    std::map<std::string, CheckResult> recheck(const Names& names) {
        asked.push_back(names);
        std::map<std::string, CheckResult> results;
        for (const std::string& name : names) {
            const auto few = good_looks.find(name);
            const bool fell = !down.contains(name) && few != good_looks.end() && few->second-- <= 0;
            const bool good = !fell && (!down.contains(name) || bare.clock.slept() >= mends_itself_after);
            results[name].status = good ? Status::ok : fell ? Status::critical : down.at(name);
        }
        return results;
    }

    Climber m_climber{bare.world,
                      folder / "host.lock",
                      "lectio-health",
                      {},
                      [this](const Names& names) { return recheck(names); },
                      [this](const RecoveryState& now) -> Result<void> {
                          remembered.push_back(now);
                          return can_remember ? Result<void>{} : Error{ErrorKind::io, "read-only"};
                      }};
};

Names names_of(const std::vector<Deed>& deeds) {
    Names names;
    for (const Deed& deed : deeds) {
        names.push_back(deed.rung + ":" + deed.action);
    }
    return names;
}

} // namespace

TEST_CASE("It stops at the rung after which the checks pass") {
    Scene scene;
    scene.rung("files", {"site"}).on_act = scene.mends({"site"});
    ScriptedAction& second = scene.rung("nginx", {"site"});
    scene.fails("site");

    const RecoveryOutcome outcome = scene.climb();
    REQUIRE(outcome.deeds.size() == 1);
    CHECK(outcome.deeds[0].ok);
    CHECK(outcome.deeds[0].fixed == Names{"site"});
    CHECK(outcome.deeds[0].target == "files.service");
    CHECK(outcome.deeds[0].took == 5ms);
    CHECK(second.acted == 0);
    CHECK(outcome.state.roots.empty());
    CHECK(outcome.state.disruptive.size() == 1);
    CHECK(outcome.results.at("site").status == Status::ok);
    CHECK(scene.bare.clock.slept() < 2s); // passed at the first look: nothing was waited for but the proof
}

TEST_CASE("A rung that did not help is followed by the next, after settle") {
    Scene scene;
    const ScriptedAction& first = scene.rung("files", {"site"});
    scene.rung("nginx", {"site"}).on_act = scene.mends({"site"});
    scene.fails("site");

    const RecoveryOutcome outcome = scene.climb();
    CHECK(first.acted == 1);
    CHECK(names_of(outcome.deeds) == Names{"files:restart", "nginx:restart"});
    CHECK(outcome.deeds[0].fixed.empty());
    CHECK(outcome.deeds[1].fixed == Names{"site"});
    CHECK(scene.bare.clock.slept() >= 10s);
    CHECK(scene.bare.clock.slept() < 12s);
}

TEST_CASE("What passes once and falls again was not mended") {
    Scene scene;
    ScriptedAction& backend = scene.rung("backend", {"api"});
    backend.on_act = scene.mends({"api"});
    scene.good_looks["api"] = 1; // up for a moment, as a service is that falls at its start
    scene.fails("api");
    SECTION("the next rung is tried") {
        ScriptedAction& second = scene.rung("nginx", {"api"});
        second.on_act = [&] { scene.good_looks.clear(); };
        const RecoveryOutcome outcome = scene.climb();
        CHECK(outcome.deeds.at(0).fixed.empty());
        CHECK(outcome.deeds.at(1).fixed == Names{"api"});
        CHECK(outcome.results.at("api").status == Status::ok);
    }
    SECTION("and it counts as an attempt") {
        const RecoveryOutcome outcome = scene.climb();
        CHECK(outcome.deeds.at(0).fixed.empty());
        CHECK(outcome.results.at("api").status == Status::critical);
        CHECK(outcome.state.roots.at("api").failed == 1);
    }
    SECTION("also while something else is still waited for") {
        scene.fails("site", "api"); // a symptom that does not pass
        scene.good_looks["api"] = 1;
        CHECK(scene.climb().deeds.at(0).fixed.empty());
    }
}

TEST_CASE("Checks that need a moment to pass are waited for, no longer than they need") {
    Scene scene;
    scene.rung("backend", {"api"});
    scene.fails("api");
    scene.mends_itself_after = 3s;
    const RecoveryOutcome outcome = scene.climb();
    CHECK(outcome.deeds.at(0).fixed == Names{"api"});
    CHECK(scene.bare.clock.slept() < 5s);
}

TEST_CASE("Symptoms trigger nothing, but are seen to pass with their root") {
    Scene scene;
    scene.rung("nginx", {"nginx"}).on_act = scene.mends({"nginx", "site"});
    const ScriptedAction& site_rung = scene.rung("backend", {"site"});
    scene.fails("nginx");
    scene.fails("site", "nginx");

    const RecoveryOutcome outcome = scene.climb();
    CHECK(outcome.deeds.at(0).fixed == Names{"nginx", "site"});
    CHECK(site_rung.acted == 0);
    CHECK(outcome.results.contains("site"));
}

TEST_CASE("A symptom that outlives its root is mended by its own rungs, once it had its time") {
    Scene scene;
    ScriptedAction& nginx = scene.rung("nginx", {"nginx", "site"});
    nginx.on_act = scene.mends({"nginx"});
    ScriptedAction& files = scene.rung("files", {"site"});
    files.on_act = scene.mends({"site"});
    scene.fails("nginx");
    scene.fails("site", "nginx");
    scene.takes_up_what_outlives();
    SECTION("in the same run, and what was mended is not put down for it") {
        const RecoveryOutcome outcome = scene.climb();
        CHECK(scene.taken_up == std::vector<Names>{{"site"}});
        REQUIRE(names_of(outcome.deeds) == Names{"nginx:restart", "files:restart"});
        CHECK(outcome.deeds[0].fixed == Names{"nginx"});
        CHECK(outcome.deeds[1].fixed == Names{"site"});
        CHECK(nginx.acted == 1);
        CHECK(outcome.state.roots.empty());
        CHECK(scene.bare.clock.slept() >= 10s);
    }
    SECTION("nor by another way") {
        const ScriptedAction& again = scene.rung("again", {"site"}, Disruptive::yes, "nginx.service");
        scene.ladder.back().action = "exec";
        scene.ladder.erase(scene.ladder.begin() + 1);
        CHECK(scene.climb().deeds.size() == 1);
        CHECK(again.acted == 0);
    }
    SECTION("in vain: that counts as an attempt, and all is tried once") {
        files.on_act = nullptr;
        const RecoveryOutcome outcome = scene.climb();
        CHECK(names_of(outcome.deeds) == Names{"nginx:restart", "files:restart"});
        CHECK(scene.taken_up.size() == 1);
        CHECK(outcome.state.roots.at("site").failed == 1);
        CHECK_FALSE(outcome.state.roots.contains("nginx"));
    }
    SECTION("what only takes as long as a start does is none") {
        scene.mends_itself_after = 8s;
        CHECK(scene.climb().deeds.at(0).fixed == Names{"nginx", "site"});
        CHECK(scene.taken_up.empty());
        CHECK(files.acted == 0);
    }
    SECTION("where the time of the run ended before its own, the next run looks") {
        scene.climber().deadline = scene.bare.clock.steady() + 9s;
        CHECK(scene.climb().deeds.at(0).fixed == Names{"nginx"});
        CHECK(scene.taken_up.empty());
    }
    SECTION("where its time was the last of the run, it is told and not acted on") {
        scene.climber().deadline = scene.bare.clock.steady() + 12s;
        const RecoveryOutcome outcome = scene.climb();
        CHECK(scene.taken_up.size() == 1);
        CHECK(files.acted == 0);
        CHECK(std::any_of(outcome.not_acted.begin(), outcome.not_acted.end(),
                          [](const NotActed& entry) { return entry.check == "site"; }));
    }
    SECTION("not during a deploy that has begun since") {
        nginx.on_act = [&] {
            scene.down.erase("nginx");
            scene.climber().forbidden = [] { return std::optional(verbatim("a deploy is running")); };
        };
        CHECK(scene.climb().deeds.size() == 1);
        CHECK(scene.taken_up.empty());
    }
    SECTION("not while its root fails still") {
        nginx.on_act = nullptr;
        CHECK(scene.climb().deeds.size() == 1);
        CHECK(scene.taken_up.empty());
    }
}

TEST_CASE("A symptom has its time anew after whatever was done last") {
    Scene scene;
    scene.rung("nginx", {"nginx"}).on_act = scene.mends({"nginx"});
    ScriptedAction& backend = scene.rung("backend", {"api"});
    const ScriptedAction& files = scene.rung("files", {"site"});
    scene.fails("nginx");
    scene.fails("api");
    scene.fails("site", "nginx"); // needs both
    scene.takes_up_what_outlives();
    backend.on_act = [&] { // and is up two seconds later
        scene.down.erase("api");
        scene.mends_itself_after = scene.bare.clock.slept() + 2s;
    };
    const RecoveryOutcome outcome = scene.climb();
    CHECK(names_of(outcome.deeds) == Names{"nginx:restart", "backend:restart"});
    CHECK(scene.taken_up.empty());
    CHECK(files.acted == 0);
    CHECK(outcome.results.at("site").status == Status::ok);
}

TEST_CASE("One action can mend what has another rung") {
    Scene scene;
    scene.rung("backend", {"workers"}).on_act = scene.mends({"workers", "site"});
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.fails("workers");
    CHECK(scene.climb().deeds.at(0).fixed == Names{"site", "workers"});
    CHECK(nginx.acted == 0);
}

TEST_CASE(
    "A warning that passes with what was mended is asked again and counts as mended, another one stays") {
    Scene scene;
    scene.rung("nginx", {"nginx"}).on_act = scene.mends({"nginx", "units"});
    scene.fails("nginx");
    scene.fails("units", "", Status::warning);
    scene.fails("certificate", "", Status::warning);
    scene.down["units"] = scene.down["certificate"] = Status::warning;

    const RecoveryOutcome outcome = scene.climb();
    CHECK(outcome.deeds.at(0).fixed == Names{"nginx", "units"});
    CHECK(outcome.results.at("units").status == Status::ok);
    CHECK(outcome.results.at("certificate").status == Status::warning);
}

TEST_CASE("Nothing is done about warnings, unknowns and failures without a rung, and nothing said") {
    Scene scene;
    scene.rung("nginx", {"site", "disk"});
    scene.fails("site", "", Status::warning);
    scene.fails("disk", "", Status::unknown);
    scene.fails("redis");
    const RecoveryPlan plan = scene.plan();
    CHECK(plan.roots.empty());
    CHECK(plan.rungs.empty());
    CHECK(plan.not_acted.empty());
}

TEST_CASE("Where acting cannot help nothing is done, and it is said why") {
    Scene scene;
    scene.rung("nginx", {"site", "redis"});
    scene.fails("site", "", Status::critical, Remedy::outside_host);
    scene.fails("redis", "", Status::critical, Remedy::cannot_help);
    const RecoveryPlan plan = scene.plan();
    CHECK(plan.rungs.empty());
    REQUIRE(plan.not_acted.size() == 2);
    CHECK(plan.not_acted[0].check == "site");
    CHECK(plan.not_acted[0].reason.en.find("outside this host") != std::string::npos);
    CHECK(plan.not_acted[1].check == "redis");
}

TEST_CASE("What turns out to be beyond help after an action is not acted on further") {
    Scene scene;
    ScriptedAction& first = scene.rung("redis", {"redis"});
    const ScriptedAction& second = scene.rung("harder", {"redis"});
    scene.fails("redis");
    scene.climber().recheck = [](const Names&) {
        CheckResult result;
        result.status = Status::critical;
        result.remedy = Remedy::cannot_help;
        return std::map<std::string, CheckResult>{{"redis", result}};
    };
    const RecoveryOutcome outcome = scene.climb();
    CHECK(first.acted == 1);
    CHECK(second.acted == 0);
    CHECK(outcome.not_acted.size() == 1);
}

TEST_CASE("Unknown and skipped prove nothing") {
    const auto status = GENERATE(Status::unknown, Status::skipped);
    Scene scene;
    scene.rung("nginx", {"site"}).on_act = [&] { scene.down["site"] = status; };
    scene.fails("site");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(outcome.deeds.at(0).fixed.empty());
    CHECK(outcome.state.roots.at("site").failed == 1);
    CHECK(outcome.results.empty()); // the look before it stands
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].reason.en.starts_with("whether it helped could not be seen"));
}

TEST_CASE("A rung that takes the time of the run leaves what was seen, and says that nobody looked again") {
    Scene scene;
    ScriptedAction& slow = scene.rung("slow", {"site"});
    slow.takes = 40s;
    slow.on_act = [&] { scene.down = {{"site", Status::unknown}, {"other", Status::unknown}}; };
    scene.fails("site");
    scene.fails("other");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(outcome.results.empty());
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].check == "site");
    CHECK(outcome.not_acted[0].reason.en.find("none was left to look") != std::string::npos);
}

TEST_CASE("Of several looks after an action the last that saw anything counts") {
    Scene scene;
    scene.rung("nginx", {"site"});
    scene.fails("site");
    int looks = 0;
    scene.climber().recheck = [&](const Names&) {
        std::map<std::string, CheckResult> results;
        results["site"].status = ++looks == 1 ? Status::critical : Status::unknown;
        results["site"].message = verbatim(std::to_string(looks));
        return results;
    };
    const RecoveryOutcome outcome = scene.climb();
    REQUIRE(looks > 1);
    CHECK(outcome.results.at("site").message == verbatim("1"));
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].reason.en.starts_with("attempt 1 did not help"));
}

TEST_CASE("A rung with nothing to change takes no time, is no deed and no attempt") {
    Scene scene;
    const ScriptedAction& files = scene.rung("files", {"site"}, Disruptive::no);
    files.looks = {Readiness{Readiness::Kind::nothing_to_change}};
    scene.fails("site");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(files.acted == 0);
    CHECK(outcome.deeds.empty());
    CHECK(outcome.state == RecoveryState{});
    CHECK(scene.bare.clock.slept() == 0s);
    CHECK(scene.remembered.empty());
}

TEST_CASE("A rung that is refused says why, changes nothing, and the attempt counts") {
    Scene scene;
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    nginx.looks = {Readiness{Readiness::Kind::refused, verbatim("nginx -t: unknown directive")}};
    scene.fails("site");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(nginx.acted == 0);
    REQUIRE(outcome.deeds.size() == 1);
    CHECK_FALSE(outcome.deeds[0].ok);
    CHECK(outcome.deeds[0].detail.en == "nginx -t: unknown directive");
    CHECK(outcome.state.roots.at("site").failed == 1);
    CHECK(outcome.state.disruptive.empty());
    CHECK(scene.bare.clock.slept() == 0s);
}

TEST_CASE("A unit that systemd restarts by itself is waited for, not restarted") {
    Scene scene;
    const ScriptedAction& backend = scene.rung("backend", {"api"});
    backend.looks = {Readiness{Readiness::Kind::wait}};
    scene.fails("api");
    scene.mends_itself_after = 2s;
    const RecoveryOutcome outcome = scene.climb();
    CHECK(backend.acted == 0);
    REQUIRE(outcome.deeds.size() == 1);
    CHECK(outcome.deeds[0].action == "wait");
    CHECK(outcome.deeds[0].ok);
    CHECK(outcome.deeds[0].fixed == Names{"api"});
    CHECK(outcome.state == RecoveryState{});
}

TEST_CASE("After waiting in vain the unit is looked at once more, and restarted when systemd has given up") {
    Scene scene;
    ScriptedAction& backend = scene.rung("backend", {"api"});
    backend.looks = {Readiness{Readiness::Kind::wait}};
    backend.on_act = scene.mends({"api"});
    scene.fails("api");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(names_of(outcome.deeds) == Names{"backend:wait", "backend:restart"});
    CHECK(backend.start_up == 0s); // it has had its time: one that falls again and again is always young
    CHECK_FALSE(outcome.deeds[0].ok);
    CHECK(outcome.deeds[1].fixed == Names{"api"});
}

TEST_CASE("Only what was not started by this very pass is given time to start up") {
    Scene scene;
    const ScriptedAction& reload = scene.rung("reload", {"site"}, Disruptive::yes, "nginx.service");
    const ScriptedAction& restart = scene.rung("restart", {"site"}, Disruptive::yes, "nginx.service");
    const ScriptedAction& backend = scene.rung("backend", {"site"});
    scene.ladder[1].action = "start";
    scene.fails("site");
    scene.climb();
    CHECK(reload.start_up == 10s); // settle
    CHECK(restart.start_up == 0s);
    CHECK(backend.start_up == 10s);
}

TEST_CASE("A unit that systemd goes on starting is waited for once a run") {
    Scene scene;
    const ScriptedAction& backend = scene.rung("backend", {"api"});
    backend.looks = {Readiness{Readiness::Kind::wait}, Readiness{Readiness::Kind::wait}};
    scene.fails("api");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(names_of(outcome.deeds) == Names{"backend:wait"});
    CHECK(scene.bare.clock.slept() < 12s);
    CHECK(outcome.state.roots.at("api").failed == 0); // waiting is no attempt
    CHECK(outcome.needs_person.empty());
}

TEST_CASE("Where no run has time left to act, a person is called once") {
    Scene scene;
    const ScriptedAction& backend = scene.rung("backend", {"api"});
    scene.rung("web", {"site"});
    scene.fails("api");
    scene.fails("site");
    for (int run = 1; run <= 5; ++run) {
        CAPTURE(run);
        scene.climber().deadline = scene.bare.clock.steady(); // the checks have taken it all
        const RecoveryOutcome outcome = scene.climb();
        CHECK_FALSE(outcome.not_acted.empty());
        Names called;
        for (const PersonNeeded& needed : outcome.needs_person) {
            CHECK(needed.reason == CallReason::no_time);
            called.push_back(needed.check);
        }
        CHECK(called ==
              (run == scene.limits.attempts ? Names{"api", "site"} : Names{})); // what comes after, too
        scene.state = read_recovery_state(write_recovery_state(scene.state));
    }
    scene.climber().deadline = scene.bare.clock.steady() + 40s;
    scene.climb();
    CHECK(backend.acted == 1); // it was no attempt
}

TEST_CASE("What systemd starts again and again is left to it, and a person is called once") {
    Scene scene;
    const ScriptedAction& backend = scene.rung("backend", {"api"});
    scene.fails("api");
    std::vector<int> called_in_run;
    for (int run = 1; run <= 6; ++run) {
        backend.looks = {Readiness{Readiness::Kind::wait}, Readiness{Readiness::Kind::wait}};
        scene.climber().deadline =
            scene.bare.clock.steady() + (run == 2 ? 8s : 40s); // it need not be a whole wait
        const RecoveryOutcome outcome = scene.climb();
        if (!outcome.needs_person.empty()) {
            called_in_run.push_back(run);
            CHECK(outcome.needs_person[0].reason == CallReason::never_comes_up);
            CHECK(outcome.needs_person[0].look_with == Names{"look at backend.service"});
        }
        scene.state = read_recovery_state(write_recovery_state(scene.state));
    }
    CHECK(called_in_run == std::vector<int>{3});
    CHECK(backend.acted == 0);
    scene.climber().deadline = scene.bare.clock.steady() + 40s;
    scene.climb(); // systemd has given up
    CHECK(backend.acted == 1);
}

TEST_CASE("The unit's own start-up time is waited for, up to the deadline") {
    Scene scene;
    const ScriptedAction& backend = scene.rung("backend", {"api"});
    const Readiness starting{Readiness::Kind::wait, {}, 25s};
    backend.looks = {starting};
    scene.fails("api");
    SECTION("it comes up") {
        scene.mends_itself_after = 20s;
        CHECK(scene.climb().deeds.at(0).ok);
    }
    SECTION("it does not, and the run must end") {
        backend.looks = {Readiness{Readiness::Kind::wait, {}, 10min}};
        const RecoveryOutcome outcome = scene.climb();
        CHECK(backend.acted == 0);
        CHECK(scene.bare.clock.steady() <= scene.climber().deadline);
        CHECK(outcome.not_acted.size() == 1);
    }
}

TEST_CASE("During a deploy nothing is touched and no attempt counts") {
    Scene scene;
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    SystemFiles deploy;
    const Result<Lock> held =
        deploy.lock(scene.folder / "host.lock", "lectio-deploy", scene.bare.clock.now().wall);
    REQUIRE(held.ok());
    const RecoveryOutcome outcome = scene.climb();
    CHECK(nginx.acted == 0);
    CHECK(outcome.deeds.empty());
    CHECK(outcome.state == RecoveryState{});
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].reason.en.find("lectio-deploy") != std::string::npos);
}

TEST_CASE("A deploy or maintenance that begins between two rungs ends the healing") {
    Scene scene;
    const ScriptedAction& files = scene.rung("files", {"site"}, Disruptive::no);
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.climber().forbidden = [&]() -> std::optional<Text> {
        return files.acted > 0 ? std::optional(verbatim("maintenance until noon")) : std::nullopt;
    };
    const RecoveryOutcome outcome = scene.climb();
    CHECK(files.acted == 1);
    CHECK(nginx.acted == 0);
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].reason.en == "maintenance until noon");
}

TEST_CASE("The host lock is held while acting and free while waiting for the checks") {
    Scene scene;
    SystemFiles other;
    const auto is_free = [&] {
        return other.lock(scene.folder / "host.lock", "lectio-deploy", scene.bare.clock.now().wall).ok();
    };
    bool free_while_acting = true;
    scene.rung("nginx", {"site"}).on_act = [&] { free_while_acting = is_free(); };
    scene.fails("site");
    bool free_while_asking = false;
    scene.climber().recheck = [&](const Names&) {
        free_while_asking = is_free();
        return std::map<std::string, CheckResult>{};
    };
    scene.climb();
    CHECK_FALSE(free_while_acting);
    CHECK(free_while_asking);
}

TEST_CASE("A lock that cannot be made stops no healing") {
    Scene scene;
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.climber().host_lock = scene.folder / "no-such-folder" / "host.lock";
    scene.climb();
    CHECK(nginx.acted == 1);
}

TEST_CASE("The attempt and the action are stored before the action") {
    Scene scene;
    std::size_t stored_before = 0;
    scene.rung("nginx", {"site"}).on_act = [&] { stored_before = scene.remembered.size(); };
    scene.fails("site");
    scene.climb();
    REQUIRE(stored_before == 1);
    CHECK(scene.remembered[0].roots.at("site").failed == 1);
    CHECK(scene.remembered[0].disruptive.size() == 1);
}

TEST_CASE("A run that died while acting has used up its attempt, and the call for a person is not lost") {
    Scene scene;
    scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.limits.attempts = 2;
    scene.climb();
    scene.bare.clock.advance(1min);
    scene.climber().deadline = scene.bare.clock.steady() + 40s;
    scene.climb();
    scene.state = scene.remembered.back(); // the second run died before it could end
    CHECK(scene.state.roots.at("site").failed == 2);
    CHECK_FALSE(scene.plan().rungs.size() == 1); // the cooldown holds

    scene.bare.clock.advance(5min);
    scene.climber().deadline = scene.bare.clock.steady() + 40s;
    CHECK(scene.climb().needs_person.size() == 1);
}

TEST_CASE("Where the action ends each run, a person is called by the run that comes after the last attempt") {
    Scene scene;
    ScriptedAction& cron = scene.rung("cron", {"site"});
    scene.fails("site");
    scene.limits.attempts = 2;
    int calls = 0;
    for (int minute = 0; minute < 30; ++minute) {
        scene.climber().deadline = scene.bare.clock.steady() + 40s;
        const int acted = cron.acted;
        const RecoveryOutcome outcome =
            lectio::climb(scene.plan(), scene.limits, scene.state, scene.failures, scene.climber());
        // It died in the action: what was stored before that is all that is left of it.
        scene.state = cron.acted > acted ? scene.remembered.back() : outcome.state;
        if (cron.acted == acted) {
            calls += static_cast<int>(outcome.needs_person.size());
        }
        if (calls == 0) {
            CHECK(cron.acted <= 2); // nothing more is tried before somebody is called
        }
        scene.bare.clock.advance(1min);
    }
    CHECK(calls == 1);
    CHECK(cron.acted > 2); // after that, once each cooldown
}

TEST_CASE("The call that an earlier run owed is not made for what works again") {
    Scene scene;
    scene.rung("nginx", {"site", "api"});
    scene.fails("site");
    scene.fails("api");
    scene.state.roots["site"] = Attempts{3, scene.bare.clock.now(), false};
    scene.ladder[0].doing = std::make_shared<ScriptedAction>("nginx.service");
    const RecoveryPlan plan = scene.plan();
    CHECK(plan.roots == Names{"api"});
    REQUIRE(plan.held_back.size() == 1);
    CHECK(plan.held_back[0].look_with == Names{"look at nginx.service"});
    scene.down.clear(); // by the action for api
    CHECK(scene.climb().needs_person.empty());
    CHECK(scene.state.roots.at("site").good_since == scene.bare.clock.now());
}

TEST_CASE("It is said when the next attempt comes, in the run whose attempt did not help, too") {
    Scene scene;
    scene.rung("nginx", {"site"});
    scene.fails("site");
    const RecoveryOutcome first = scene.climb();
    REQUIRE(first.not_acted.size() == 1);
    CHECK(first.not_acted[0].reason.en == "attempt 1 did not help; until the next one: 1 minute");
    scene.bare.clock.advance(30s);
    CHECK(scene.plan().not_acted.at(0).reason.en == "attempt 1 did not help; until the next one: 30 seconds");
}

TEST_CASE("A rung of the plan is triggered by its own root causes") {
    Scene scene;
    scene.rung("nginx", {"site", "frontend"});
    scene.rung("backend", {"workers"});
    for (const char* check : {"frontend", "workers", "site"}) {
        scene.fails(check);
    }
    const RecoveryPlan plan = scene.plan();
    REQUIRE(plan.rungs.size() == 2);
    CHECK(roots_of(*plan.rungs[0], plan) == Names{"frontend", "site"});
    CHECK(roots_of(*plan.rungs[1], plan) == Names{"workers"});
}

TEST_CASE("When the limits cannot be stored, units that were started just now are left alone") {
    Scene scene;
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.can_remember = false;
    scene.climb();
    CHECK(nginx.least_uptime == scene.limits.cooldown);
    CHECK(nginx.acted == 1); // the action decides, by the uptime
}

TEST_CASE("Waits before the second and third attempt, then a person is called once, then the cooldown") {
    Scene scene;
    ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    std::vector<int> acted_in_minute;
    std::vector<int> called_in_minute;
    for (int minute = 0; minute < 180; ++minute) {
        scene.climber().deadline = scene.bare.clock.steady() + 40s;
        const int before = nginx.acted;
        const SteadyTime begun = scene.bare.clock.steady();
        const RecoveryOutcome outcome = scene.climb();
        if (nginx.acted > before) {
            acted_in_minute.push_back(minute);
        }
        if (!outcome.needs_person.empty()) {
            called_in_minute.push_back(minute);
            CHECK(outcome.needs_person[0].look_with == Names{"look at nginx.service"});
        }
        scene.bare.clock.advance(std::chrono::floor<Duration>(1min - (scene.bare.clock.steady() - begun)));
    }
    // Each attempt takes 10 s of settle, so a wait of a minute ends in the second run after it.
    CHECK(acted_in_minute == std::vector<int>{0, 2, 8, 14, 25, 46, 87, 148});
    CHECK(called_in_minute == std::vector<int>{8});
}

TEST_CASE("Only an observed success that lasts ends a row of attempts") {
    Scene scene;
    ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    scene.climb();
    scene.bare.clock.advance(2min);
    scene.climber().deadline = scene.bare.clock.steady() + 40s;
    nginx.on_act = scene.mends({"site"});
    scene.climb();
    CHECK(scene.state.roots.at("site").failed == 1);
    scene.bare.clock.advance(scene.limits.cooldown);
    note_success(scene.state, "site", scene.limits, scene.bare.clock.now());
    CHECK(scene.state.roots.empty());
}

TEST_CASE("per_hour holds over all checks, and it is said when the next action is possible") {
    Scene scene;
    scene.limits.per_hour = 1;
    scene.rung("nginx", {"site"}).on_act = scene.mends({"site"});
    const ScriptedAction& redis = scene.rung("redis", {"redis"});
    scene.fails("site");
    scene.fails("redis");
    RecoveryOutcome outcome = scene.climb();
    CHECK(redis.acted == 0);
    REQUIRE(outcome.not_acted.size() == 1);
    CHECK(outcome.not_acted[0].check == "redis");
    CHECK(outcome.state.roots.at("redis").failed == 0); // nothing was tried for redis

    scene.failures = {{"redis", Status::critical, Remedy::try_it, ""}};
    const RecoveryPlan plan = scene.plan();
    CHECK(plan.rungs.empty());
    CHECK(plan.not_acted.size() == 1);
}

TEST_CASE("When per_hour is used up a person is called, once until the check is seen good") {
    Scene scene;
    scene.limits.per_hour = 1;
    SECTION("in an earlier run: nothing is left to climb") {
        note_disruptive(scene.state, scene.bare.clock.now());
    }
    SECTION("in this run, for another root cause") {
        scene.rung("nginx", {"site"}).on_act = scene.mends({"site"});
        scene.fails("site");
    }
    const ScriptedAction& redis = scene.rung("redis", {"queue"});
    scene.fails("queue");
    const RecoveryOutcome first = scene.climb();
    REQUIRE(first.needs_person.size() == 1);
    CHECK(first.needs_person[0].check == "queue");
    CHECK(first.needs_person[0].look_with == Names{"look at redis.service"});
    CHECK(first.needs_person[0].reason == CallReason::hour_is_full);
    CHECK(first.not_acted.size() == 1);
    CHECK(redis.acted == 0);

    scene.failures = {{"queue", Status::critical, Remedy::try_it, ""}};
    scene.state = read_recovery_state(write_recovery_state(scene.state)); // as through the state file
    CHECK(scene.climb().needs_person.empty());

    scene.limits.cooldown = 0s;
    note_success(scene.state, "queue", scene.limits, scene.bare.clock.now());
    CHECK(scene.climb().needs_person.size() == 1);
}

TEST_CASE("When per_hour is used up nobody is called for what the other rungs mend") {
    Scene scene;
    scene.limits.per_hour = 1;
    note_disruptive(scene.state, scene.bare.clock.now());
    ScriptedAction& files = scene.rung("files", {"site"}, Disruptive::no);
    scene.rung("nginx", {"site"});
    scene.fails("site");
    SECTION("mended") {
        files.on_act = scene.mends({"site"});
        CHECK(scene.climb().needs_person.empty());
        CHECK(scene.state.roots.empty());
    }
    SECTION("not mended") {
        const RecoveryOutcome outcome = scene.climb();
        REQUIRE(outcome.needs_person.size() == 1);
        CHECK(outcome.needs_person[0].look_with == Names{"look at files.service", "look at nginx.service"});
    }
}

TEST_CASE("per_hour = 0 forbids what disrupts: it is said, and nobody is called") {
    Scene scene;
    scene.limits.per_hour = 0;
    ScriptedAction& files = scene.rung("files", {"site"}, Disruptive::no);
    const ScriptedAction& nginx = scene.rung("nginx", {"site", "api"});
    scene.fails("site");
    scene.fails("api");
    for (int run = 0; run < 2; ++run) {
        scene.climber().deadline = scene.bare.clock.steady() + 40s;
        const RecoveryOutcome outcome = scene.climb();
        CHECK(outcome.needs_person.empty());
        REQUIRE(outcome.not_acted.size() == 2);
        CHECK(outcome.not_acted[0].reason.en.find("per_hour = 0") != std::string::npos);
        scene.bare.clock.advance(std::chrono::hours(2));
    }
    CHECK(files.acted == 2);
    CHECK(nginx.acted == 0);
}

TEST_CASE("per_hour does not hold back what disrupts nothing") {
    Scene scene;
    scene.limits.per_hour = 1;
    note_disruptive(scene.state, scene.bare.clock.now());
    scene.rung("files", {"site"}, Disruptive::no).on_act = scene.mends({"site"});
    const ScriptedAction& nginx = scene.rung("nginx", {"site"});
    scene.fails("site");
    CHECK(scene.climb().deeds.at(0).fixed == Names{"site"});
    CHECK(nginx.acted == 0);
}

TEST_CASE("The same restart is not done twice in one pass") {
    Scene scene;
    const ScriptedAction& first = scene.rung("backend", {"site"}, Disruptive::yes, "app.service");
    const ScriptedAction& last = scene.rung("backend-last", {"site"}, Disruptive::yes, "app.service");
    scene.fails("site");
    scene.climb();
    CHECK(first.acted == 1);
    CHECK(last.acted == 0);
}

TEST_CASE("Nothing is begun when the run's time is over") {
    Scene scene;
    ScriptedAction& first = scene.rung("backend", {"site"});
    first.takes = 38s;
    const ScriptedAction& second = scene.rung("nginx", {"site"});
    scene.fails("site");
    const RecoveryOutcome outcome = scene.climb();
    CHECK(first.acted == 1);
    CHECK(second.acted == 0);
    CHECK(scene.bare.clock.steady() <= scene.climber().deadline);
    CHECK(outcome.not_acted.size() == 1);
}

TEST_CASE("A run told to stop begins nothing more and calls nobody") {
    Scene scene;
    scene.limits.attempts = 1;
    scene.rung("backend", {"site"}).on_act = [] { request_stop_for_test(15); };
    const ScriptedAction& second = scene.rung("nginx", {"site"});
    scene.fails("site");
    const RecoveryOutcome outcome = scene.climb();
    request_stop_for_test(0);
    CHECK(second.acted == 0);
    CHECK(outcome.deeds.size() == 1); // a begun action is recorded
    CHECK(outcome.state.roots.at("site").failed == 1);
    CHECK(outcome.needs_person.empty());
    CHECK(scene.bare.clock.slept() < 1s);
}

TEST_CASE("Random hosts: no restart storm, no endless run, and what is mended is left alone") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto between = [&](int least, int most) {
            return std::uniform_int_distribution(least, most)(random);
        };
        Scene scene;
        scene.limits.per_hour = between(1, 6);
        scene.limits.attempts = between(1, 4);
        const Names checks{"a", "b", "c"};
        std::vector<SteadyTime> actions;
        int acted_on_health = 0;
        for (int i = between(1, 4); i > 0; --i) {
            Names when;
            std::sample(checks.begin(), checks.end(), std::back_inserter(when), between(1, 3), random);
            const std::string name = "rung" + std::to_string(i);
            scene.rung(name, when).on_act = [&, when] {
                actions.push_back(scene.bare.clock.steady());
                const bool needed = std::any_of(when.begin(), when.end(), [&](const std::string& check) {
                    return scene.down.contains(check);
                });
                acted_on_health += needed ? 0 : 1;
                if (between(1, 4) == 1) {
                    scene.mends(when)();
                }
            };
        }
        std::map<std::string, int> calls;
        for (int minute = 0; minute < 240; ++minute) {
            scene.failures.clear();
            for (const std::string& check : checks) {
                if (!scene.down.contains(check) && between(1, 10) == 1) {
                    scene.down[check] = Status::critical;
                }
                if (scene.down.contains(check)) {
                    scene.failures.push_back({check, Status::critical, Remedy::try_it, ""});
                } else {
                    note_success(scene.state, check, scene.limits, scene.bare.clock.now());
                    calls.erase(check);
                }
            }
            scene.state = current_state(scene.state, scene.bare.clock.now());
            const SteadyTime begun = scene.bare.clock.steady();
            scene.climber().deadline = begun + 50s;
            const RecoveryOutcome outcome = scene.climb();
            REQUIRE(scene.bare.clock.steady() <= begun + 50s);
            for (const PersonNeeded& call : outcome.needs_person) {
                REQUIRE(++calls[call.check] == 1);
            }
            std::erase_if(calls, [&](const auto& call) { return !scene.down.contains(call.first); });
            scene.bare.clock.advance(
                std::chrono::floor<Duration>(1min - (scene.bare.clock.steady() - begun)));
        }
        REQUIRE(acted_on_health == 0);
        const auto most = static_cast<std::size_t>(scene.limits.per_hour);
        for (std::size_t i = most; i < actions.size(); ++i) {
            REQUIRE(actions[i] - actions[i - most] >= 1h);
        }
    }
}

#include "checks/systemd.h"
#include "pipeline/failed_units.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

using Checks = std::map<std::string, std::string>;

CheckPolicy policy_for(const std::string& name) {
    CheckPolicy policy{name, "systemd", Layer::unit, Recheck::yes, CheckCommon{}};
    return policy;
}

struct Minutes {
    JudgeState state;
    Checks checks{{"demo.service", "demo"}};
    std::set<std::string> just_told;
    Now now{WallTime(1'769'083'200s), 24h, "boot"};

    // What a run tells whose checks find `demo` so, and those units failed.
    std::vector<std::string> run(Status demo, const std::vector<std::string>& failed) {
        Policy policy;
        policy.tool = "health";
        policy.checks = {policy_for("demo"), policy_for("units")};
        CheckResult of_demo, of_units = evaluate_failed_units(failed);
        of_demo.status = demo;
        of_demo.message = verbatim("demo.service has failed");
        leave_to_own_checks(policy.checks[1], of_units, checks, just_told);
        RunFacts facts;
        facts.observations = {{"demo", of_demo, false}, {"units", of_units, false}};
        facts.now = now;
        now.wall += 1min;
        now.boot += 1min;
        ToTell told = tell(judge(state, facts, policy).state, {}, {}, now, policy);
        state = told.state;
        std::vector<std::string> words;
        for (const NewsItem& item : told.news.items) {
            words.push_back(item.incident.check + (is_over(item.event) ? " over" : "") + ": " +
                            item.incident.message.en);
        }
        return words;
    }
};

using Told = std::vector<std::string>;

} // namespace

TEST_CASE("a unit that its own check tells is not told as failed once more") {
    Minutes minutes;
    CHECK(minutes.run(Status::critical, {"demo.service"}) == Told{"demo: demo.service has failed"});
    CHECK(minutes.run(Status::critical, {"demo.service"}).empty());
    CHECK(minutes.run(Status::ok, {}) == Told{"demo over: demo.service has failed"});
}

TEST_CASE("what else failed beside it is told alone") {
    Minutes minutes;
    CHECK(minutes.run(Status::critical, {"demo.service", "other.service"}) ==
          Told{"demo: demo.service has failed", "units: failed: other.service"});
    CHECK(minutes.run(Status::critical, {"demo.service"}).empty()); // its symptom: not told as over
    CHECK(minutes.run(Status::ok, {}) ==                            // in the words of the last look
          Told{"demo over: demo.service has failed", "units over: failed: demo.service"});
}

TEST_CASE("a fall that was told a moment ago waits for its check, and one that passes excuses nothing") {
    Minutes minutes;
    minutes.checks.clear();
    minutes.just_told = {"demo.service"};
    CHECK(minutes.run(Status::ok, {"demo.service"}).empty());
    minutes.just_told.clear();
    CHECK(minutes.run(Status::ok, {"demo.service"}) == Told{"units: failed: demo.service"});
    Minutes blind;
    CHECK(blind.run(Status::ok, {"demo.service"}) == Told{"units: failed: demo.service"});
}

// Asking again in the same run: what for, and what counts then.
#include "story.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

std::vector<Observation> seen(std::map<std::string, Status> all) {
    std::vector<Observation> observations;
    for (const auto& [name, status] : all) {
        observations.push_back({name, CheckResult{}});
        observations.back().result.status = status;
        observations.back().result.message = verbatim(to_string(status));
    }
    return observations;
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a failure that would open or raise an incident is looked at twice") {
    CheckPolicy patient = policy_for("patient");
    patient.common.confirm = 2;
    CheckPolicy never = policy_for("never");
    never.common.recheck = Duration{0};
    CheckPolicy log = policy_for("log");
    log.recheck = Recheck::no;
    const Story story({policy_for("site"), policy_for("good"), patient, never, log});

    CHECK(worth_a_second_look({}, story.policy,
                              seen({{"site", Status::critical},
                                    {"good", Status::ok},
                                    {"patient", Status::critical},
                                    {"never", Status::critical},
                                    {"log", Status::critical}}),
                              {}) == Names{"site"});
    CHECK(worth_a_second_look({}, story.policy, seen({{"site", Status::unknown}}), {}).empty());
}

TEST_CASE("in the run that confirms it, not before") {
    CheckPolicy patient = policy_for("site");
    patient.common.confirm = 2;
    Story story({patient});
    const auto failing = seen({{"site", Status::critical}});
    CHECK(worth_a_second_look(story.state, story.policy, failing, {}).empty());
    story.run({{"site", Status::critical}});
    CHECK(worth_a_second_look(story.state, story.policy, failing, {}) == Names{"site"});
}

TEST_CASE("an open incident is not looked at again, unless it would rise or be acted on") {
    Story story({policy_for("site")});
    story.run({{"site", Status::warning}});
    CHECK(worth_a_second_look(story.state, story.policy, seen({{"site", Status::warning}}), {}).empty());
    const auto critical = seen({{"site", Status::critical}});
    CHECK(worth_a_second_look(story.state, story.policy, critical, {}) == Names{"site"});
    story.run({{"site", Status::critical}});
    CHECK(worth_a_second_look(story.state, story.policy, critical, {}).empty());
    CHECK(worth_a_second_look(story.state, story.policy, critical, {"site"}) == Names{"site"});
}

TEST_CASE("only what fails twice counts, at the milder level") {
    struct Case {
        Status first, second, counts;
    };
    for (const Case& one : {Case{Status::critical, Status::ok, Status::ok},
                            Case{Status::critical, Status::critical, Status::critical},
                            Case{Status::critical, Status::warning, Status::warning},
                            Case{Status::warning, Status::critical, Status::warning},
                            Case{Status::critical, Status::unknown, Status::critical},
                            Case{Status::critical, Status::skipped, Status::critical}}) {
        CAPTURE(to_string(one.first), to_string(one.second));
        std::vector<Observation> observations = seen({{"site", one.first}});
        merge_second_look({}, observations, seen({{"site", one.second}}));
        CHECK(observations[0].result.status == one.counts);
        CHECK(observations[0].result.message == verbatim(to_string(one.counts)));
    }
}

TEST_CASE("an open incident is over only when it passes twice") {
    Story story({policy_for("site")});
    story.run({{"site", Status::critical}});
    CHECK(worth_a_second_look(story.state, story.policy, seen({{"site", Status::ok}}), {}) == Names{"site"});

    struct Case {
        Status first, second, counts;
        bool unsteady;
    };
    for (const Case& one : {Case{Status::ok, Status::ok, Status::ok, false},
                            Case{Status::ok, Status::critical, Status::critical, true},
                            Case{Status::ok, Status::warning, Status::warning, true},
                            Case{Status::ok, Status::unknown, Status::ok, false},
                            Case{Status::critical, Status::ok, Status::critical, true},
                            Case{Status::critical, Status::warning, Status::warning, false}}) {
        CAPTURE(to_string(one.first), to_string(one.second));
        std::vector<Observation> observations = seen({{"site", one.first}});
        merge_second_look(story.state, observations, seen({{"site", one.second}}));
        CHECK(observations[0].result.status == one.counts);
        CHECK(observations[0].result.message == verbatim(to_string(one.counts)));
        CHECK(observations[0].unsteady == one.unsteady);
    }
}

TEST_CASE("what passes once of twice neither ends its incident, nor raises it, nor is acted on") {
    Story story({policy_for("site")});
    const auto run = [&](Status first, Status second) {
        story.clock.advance(story.between);
        RunFacts facts;
        facts.observations = seen({{"site", first}});
        merge_second_look(story.state, facts.observations, seen({{"site", second}}));
        facts.now = story.clock.now();
        const Judgement judged = judge(story.state, facts, story.policy);
        story.state = tell(judged.state, {}, {}, facts.now, story.policy).state;
        return judged.to_heal;
    };
    story.run({{"site", Status::warning}});
    CHECK(run(Status::critical, Status::ok).empty());
    CHECK(story.state.incidents.at(0).level == Status::warning);
    CHECK(run(Status::critical, Status::critical) == Names{"site"});
    CHECK(story.state.incidents.at(0).level == Status::critical);
    CHECK(run(Status::ok, Status::critical).empty());
    CHECK(run(Status::critical, Status::ok).empty());
    CHECK(run(Status::critical, Status::critical) == Names{"site"});
    REQUIRE(story.state.incidents.size() == 1);
    run(Status::ok, Status::ok);
    CHECK(story.state.incidents.empty());
}

TEST_CASE("the end is looked at twice in the run that would tell it, not before") {
    CheckPolicy patient = policy_for("site");
    patient.common.recover_confirm = 3;
    Story story({patient});
    story.run({{"site", Status::critical}});
    const auto good = seen({{"site", Status::ok}});
    for (int run = 1; run <= 3; ++run) {
        CHECK(worth_a_second_look(story.state, story.policy, good, {}) ==
              (run == 3 ? Names{"site"} : Names{}));
        story.run({{"site", Status::ok}});
    }
    CHECK(story.state.incidents.empty());
}

TEST_CASE("what was read in the first look is not forgotten by the second") {
    std::vector<Observation> observations = seen({{"unit", Status::critical}});
    observations[0].result.memory = {{"restarts", "3"}};
    merge_second_look({}, observations, seen({{"unit", Status::ok}}));
    CHECK(observations[0].result.status == Status::ok);
    CHECK(observations[0].result.memory.at("restarts") == "3");
}

TEST_CASE("a second look at something never looked at is nothing") {
    std::vector<Observation> observations;
    merge_second_look({}, observations, seen({{"site", Status::critical}}));
    CHECK(observations.empty());
}

TEST_CASE("what was skipped behind something that is asked again is looked at with it") {
    CheckPolicy step = policy_for("step");
    step.common.needs = {"login"};
    CheckPolicy behind = policy_for("behind");
    behind.common.needs = {"step"};
    CheckPolicy other = policy_for("other");
    other.common.needs = {"elsewhere"};
    CheckPolicy log = policy_for("log");
    log.common.needs = {"login"};
    log.recheck = Recheck::no;
    const Story story({policy_for("login"), behind, step, other, log});
    const auto observations = seen({{"login", Status::critical},
                                    {"step", Status::skipped},
                                    {"behind", Status::skipped},
                                    {"other", Status::skipped},
                                    {"log", Status::skipped}});
    CHECK(skipped_behind(story.policy, observations, {"login"}) == Names{"step", "behind"});
    CHECK(skipped_behind(story.policy, observations, {"other"}).empty());
}

TEST_CASE("of what was skipped at first the second look is the first") {
    std::vector<Observation> observations = seen({{"step", Status::skipped}, {"other", Status::skipped}});
    merge_second_look({}, observations, seen({{"step", Status::critical}, {"other", Status::skipped}}));
    for (const Observation& observation : observations) {
        CHECK(observation.result.status == (observation.name == "step" ? Status::critical : Status::skipped));
    }
}

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
        merge_second_look(observations, seen({{"site", one.second}}));
        CHECK(observations[0].result.status == one.counts);
        CHECK(observations[0].result.message == verbatim(to_string(one.counts)));
    }
}

TEST_CASE("what was read in the first look is not forgotten by the second") {
    std::vector<Observation> observations = seen({{"unit", Status::critical}});
    observations[0].result.memory = {{"restarts", "3"}};
    merge_second_look(observations, seen({{"unit", Status::ok}}));
    CHECK(observations[0].result.status == Status::ok);
    CHECK(observations[0].result.memory.at("restarts") == "3");
}

TEST_CASE("a second look at something never looked at is nothing") {
    std::vector<Observation> observations;
    merge_second_look(observations, seen({{"site", Status::critical}}));
    CHECK(observations.empty());
}

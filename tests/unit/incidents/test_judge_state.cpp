// The judge's part of a state file: what is written is read again, and nothing that is read can do harm.
#include "story.h"

#include <random>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

// A state with something of everything in it.
JudgeState rich_state() {
    Story story({policy_for("nginx", Layer::unit), policy_for("site", Layer::web, {"nginx"})});
    Minute minute;
    minute.seen = {{"nginx", Status::critical}, {"site", Status::critical}};
    minute.notices = {{"config", "x", Status::warning, verbatim("bad"), verbatim("mend"), {}},
                      {"state", "y", Status::warning, verbatim("odd"), {}, SelfNotice::Life::passing}};
    minute.healing.gave_up = {{"nginx", {"nginx -t"}, CallReason::hour_is_full}};
    story.run(minute);
    story.quiet.reasons = {Quiet::deploy, Quiet::mute};
    minute.seen = {{"nginx", Status::ok}, {"site", Status::unknown}};
    minute.notify = false;
    story.run(minute);
    story.state.incidents[0].evidence = "log line\n<b>";
    story.state.checks["site"].memory = {{"offset", "12"}};
    return story.state;
}

} // namespace

TEST_CASE("a state survives its JSON unchanged") {
    const JudgeState state = rich_state();
    REQUIRE(state.incidents.size() == 2);
    const std::string text = to_json(state);
    const LoadedJudgeState loaded = judge_state_from_json(text);
    CHECK(loaded.dropped.empty());
    CHECK(to_json(loaded.state) == text);
    CHECK(loaded.state.checks == state.checks);
    CHECK(loaded.state.incidents[0].symptoms == state.incidents[0].symptoms);
    CHECK(loaded.state.incidents[0].look_with == state.incidents[0].look_with);
    CHECK(loaded.state.incidents[0].ended == state.incidents[0].ended);
    CHECK(loaded.state.last_run == state.last_run);
    CHECK(loaded.state.quiet == state.quiet);
    CHECK(loaded.state.notes.size() == 1);
}

TEST_CASE("what is no state begins afresh, with a word") {
    for (const char* text : {"", "null", "[]", "7", "{", "\xff", "{\"run\":", "[[[[[[["}) {
        CAPTURE(text);
        const LoadedJudgeState loaded = judge_state_from_json(text);
        CHECK(loaded.dropped.size() == 1);
        CHECK(loaded.state.checks.empty());
    }
    CHECK(judge_state_from_json("{}").dropped.empty());
    CHECK(judge_state_from_json(std::string(100'000, '[')).dropped.size() == 1);
}

TEST_CASE("one damaged part does not take the others with it") {
    std::string text = to_json(rich_state());
    const std::size_t place = text.find("\"good\":");
    REQUIRE(place != std::string::npos);
    text.insert(place + 7, "-");
    const LoadedJudgeState loaded = judge_state_from_json(text);
    CHECK(loaded.dropped.size() == 1);
    CHECK(loaded.state.checks.size() >= 2);
    CHECK(loaded.state.incidents.size() == 2);
}

TEST_CASE("an open incident whose check's record is lost can still end") {
    Story story({policy_for("site")});
    story.run({{"site", Status::critical}});
    story.state.checks.clear();
    Minute nothing;
    nothing.notices = {{"config", "x", Status::warning, verbatim("bad"), {}, {}}};
    story.run(nothing);
    for (auto it = story.state.checks.begin(); it != story.state.checks.end();) {
        it = it->first == "config#x" ? story.state.checks.erase(it) : std::next(it);
    }
    CHECK(words(story.run({{"site", Status::ok}})) == "resolved site, resolved config");
}

TEST_CASE("texts that are not UTF-8 do not prevent writing") {
    JudgeState state = rich_state();
    state.incidents[0].evidence = "\xff\xfe";
    state.incidents[0].message = {"\xc3", "\xc3"};
    CHECK(judge_state_from_json(to_json(state)).dropped.empty());
}

TEST_CASE("a state stays bounded however long its texts are") {
    JudgeState state = rich_state();
    const std::string endless(1 << 16, 'x');
    state.incidents[0].evidence = endless;
    state.incidents[0].look_with.assign(100, endless);
    state.incidents[0].symptoms.assign(100, Symptom{"a", "http", Status::critical, verbatim(endless)});
    state.checks["site"].memory["k"] = endless;
    CHECK(to_json(state).size() < 300'000);
    CHECK(judge_state_from_json(to_json(state)).dropped.empty());
}

TEST_CASE("whatever bytes a state file holds, the next run judges") {
    const std::string good = to_json(rich_state());
    std::mt19937 random(1); // NOLINT: the same every time is wanted
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    Story story({policy_for("nginx", Layer::unit), policy_for("site", Layer::web, {"nginx"})});
    for (int round = 0; round < 3000; ++round) {
        std::string text = good;
        for (std::size_t i = 0; i <= below(4); ++i) {
            switch (below(3)) {
            case 0:
                text[below(text.size())] = static_cast<char>(below(256));
                break;
            case 1:
                text.erase(below(text.size()), below(20));
                break;
            default:
                text[below(text.size())] = "0123456789-e\"{}[],:"[below(19)];
            }
        }
        LoadedJudgeState loaded = judge_state_from_json(text);
        RunFacts facts;
        facts.now = story.clock.now();
        facts.observations = {{"site", CheckResult{}}};
        facts.observations[0].result.status = Status::critical;
        const Judgement judged = judge(std::move(loaded.state), facts, story.policy);
        REQUIRE_FALSE(judged.verdicts.empty());
        tell(judged.state, {}, {}, facts.now, story.policy);
    }
}

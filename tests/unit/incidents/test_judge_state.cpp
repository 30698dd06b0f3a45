// The judge's part of a state file: what is written is read again, and nothing that is read can do harm.
#include "incidents/judge_json.h"
#include "incidents/rules.h"
#include "story.h"

#include <random>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

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

TEST_CASE("a state is written as a tree of JSON would be") {
    JudgeState state = rich_state();
    state.checks["вход \"x\"\n\\"] = state.checks["site"];
    state.checks["site"].type = "tab\tand \x7F";
    state.checks["nginx"].history.bad = ~std::uint64_t{0};
    const std::string text = to_json(state);
    CHECK(nlohmann::json::parse(text).dump() == text);
    CHECK(judge_state_from_json(text).state.checks == state.checks);

    state.checks["bro\xFFken"] = {};
    const std::string mended = to_json(state);
    CHECK(nlohmann::json::parse(mended).dump() == mended);
    CHECK(to_json(JudgeState{}).starts_with(R"({"checks":{},"epoch":"",)"));
}

TEST_CASE("checks read as rows are what a tree of JSON makes of them") {
    JudgeState state = rich_state();
    state.checks["slow"] = state.checks["nginx"];
    state.checks["slow"].took = Duration(1234);
    const nlohmann::json good = nlohmann::json::parse(to_json(state));
    // A member that is odd, one after the other: the check is left out, with the same word.
    std::vector<nlohmann::json> all{good};
    for (const char* key : {"type", "status", "known", "bad", "good", "runs", "fresh_runs", "bad_runs",
                            "took_ms", "seen", "known_at", "memory", "unknown", "critical", "below_critical",
                            "critical_runs", "mended_runs", "new"}) {
        for (const nlohmann::json& value :
             {nlohmann::json("odd"), nlohmann::json("ok"), nlohmann::json(""), nlohmann::json(64),
              nlohmann::json(2'000'000'000), nlohmann::json(std::string(9'000, 'x'))}) {
            all.push_back(good);
            all.back()["checks"]["nginx"][key] = value;
        }
    }
    for (const nlohmann::json& json : all) {
        const std::string checks = json["checks"].dump();
        INFO(checks.substr(0, 400));
        const auto rows = json_rows(checks);
        REQUIRE(rows != nullptr);
        REQUIRE_FALSE(rows->rows.empty());
        nlohmann::json rest = json;
        rest["checks"] = nlohmann::json::parse(rows->others);
        const LoadedJudgeState by_rows = judge_state_from(rest, rows.get());
        const LoadedJudgeState by_tree = judge_state_from(nlohmann::json::parse(json.dump()));
        CHECK(by_rows.dropped == by_tree.dropped);
        CHECK(by_rows.state.checks == by_tree.state.checks);
    }
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

TEST_CASE("as many incidents are kept as there may be checks: each is told once, and its end; what is beyond "
          "is said") {
    std::vector<CheckPolicy> checks;
    for (std::size_t i = 0; i <= k_most_checks; ++i) {
        checks.push_back(policy_for("c" + std::to_string(i)));
    }
    Story story(checks);
    story.through_json = false; // but where it matters
    story.run({{"c0", Status::critical}});
    const IncidentState told = story.state.incidents.at(0);
    const CheckState failing = story.state.checks.at("c0");
    for (std::size_t i = 1; i < k_most_checks - 1; ++i) {
        IncidentState incident = told;
        incident.id = "i" + std::to_string(i);
        incident.check = incident.subject = checks[i].name;
        story.state.incidents.push_back(incident);
        story.state.checks.emplace(incident.subject, failing);
    }
    const std::map<std::string, Status> broken{{"c4999", Status::critical}, {"c5000", Status::critical}};
    CHECK(words(story.run(broken)) == "opened c4999, note state");
    LoadedJudgeState loaded = judge_state_from_json(to_json(story.state));
    CHECK(loaded.dropped.empty());
    story.state = std::move(loaded.state);
    CHECK(words(story.run(broken)) == "");
    CHECK(story.verdict("state").status == Status::warning);
    CHECK(story.verdict("c5000").status == Status::critical); // shown, though not told
    CHECK(words(story.run({{"c4999", Status::ok}, {"c5000", Status::critical}})) == "resolved c4999");
    CHECK(words(story.run({{"c5000", Status::critical}})) == "opened c5000, resolved state"); // there is room
}

TEST_CASE("what came and went untold makes room for what breaks now") {
    CheckPolicy site = policy_for("site");
    Story story({site});
    story.run({{"site", Status::critical}});
    IncidentState over = story.state.incidents.at(0);
    over.told.reset();
    over.ended = story.clock.now();
    over.check = over.subject = "gone";
    story.state.incidents.assign(k_most_checks, over);
    story.state.checks.clear();
    Minute minute;
    minute.seen = {{"site", Status::critical}};
    minute.notify = false;
    story.run(minute);
    CHECK(story.state.incidents.size() == k_most_checks + 1); // and the word about it
    CHECK(story.state.open_incident("site") != nullptr);
}

TEST_CASE("however much thousands of incidents have to say, the state can be read again") {
    JudgeState state = rich_state();
    IncidentState incident = state.incidents.at(0);
    incident.evidence.assign(4000, 'x');
    incident.symptoms.assign(20, Symptom{"a", "http", Status::critical, verbatim(std::string(1000, 'x'))});
    incident.ended.reset();
    state.incidents.clear();
    for (std::size_t i = 0; i < 1000; ++i) {
        incident.subject = incident.check = "c" + std::to_string(i);
        state.incidents.push_back(incident);
    }
    const LoadedJudgeState loaded = judge_state_from_json(to_json(state));
    CHECK(loaded.dropped.empty());
    CHECK(loaded.state.incidents.size() == 1000);
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

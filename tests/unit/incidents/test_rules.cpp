// The rules of a single check, as its life in minutes and what is told of it.
#include "incidents/history.h"
#include "incidents/rules.h"
#include "story.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

struct Case {
    const char* life;
    const char* told;
};

void check_all(const CheckPolicy& check, const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        CAPTURE(one.life);
        CHECK(told_of(check, one.life) == one.told);
    }
}

CheckPolicy site(CheckCommon common = {}) {
    CheckPolicy check = policy_for("site");
    check.common = std::move(common);
    return check;
}

} // namespace

TEST_CASE("an incident is told once when it opens and once when it is over") {
    check_all(site(), {{"OOOO", ""},
                       {"OCCCCCOO", "2 opened, 7 resolved"},
                       {"C", "1 opened"},
                       {"OCO", "2 opened, 3 resolved"},
                       {"OWWO", "2 opened, 4 resolved"},
                       {"OCOOOOCO", "2 opened, 3 resolved, 7 opened, 8 resolved"}});
}

TEST_CASE("warning and critical have each their own life") {
    check_all(site(), {{"WWC", "1 opened, 3 risen"},
                       {"CCW", "1 opened, 3 eased"},
                       {"CWO", "1 opened, 2 eased, 3 resolved"},
                       {"WCWO", "1 opened, 2 risen, 3 eased, 4 resolved"},
                       {"WWWWWWWWWWC", "1 opened, 11 risen"}});
}

TEST_CASE("confirm: failures in a row before an incident opens, counted for each level") {
    CheckCommon common;
    common.confirm = 3;
    check_all(site(common), {{"CCOCCO", ""},
                             {"CCCO", "3 opened, 4 resolved"},
                             {"WWC", "3 opened"}, // a warning: critical was seen once
                             {"WWCCC", "3 opened, 5 risen"},
                             {"CUCC", "4 opened"}, // an unknown run proves nothing
                             {"CSCC", "4 opened"}});
}

TEST_CASE("recover_confirm: good runs in a row before it is over") {
    CheckCommon common;
    common.recover_confirm = 3;
    check_all(site(common), {{"COOCOOO", "1 opened, 7 resolved"},
                             {"CWWWO", "1 opened, 4 eased"},
                             {"CWWO", "1 opened"},
                             {"COUOO", "1 opened, 5 resolved"}});
}

TEST_CASE("window: opens on so many of the last runs, in place of confirm") {
    CheckCommon common;
    common.window = {3, 5};
    common.confirm = 1;
    check_all(
        site(common),
        {{"CCOOOCO", ""}, {"COCOC", "5 opened"}, {"CCCO", "3 opened, 4 resolved"}, {"COOOOCOOOOC", ""}});
}

TEST_CASE("window: failures of an incident that is over are counted for no other") {
    CheckCommon common;
    common.window = {3, 5};
    common.flap = {};
    check_all(site(common), {{"CCCOC", "3 opened, 4 resolved"},
                             {"CCCOCC", "3 opened, 4 resolved"},
                             {"CCCOCOCC", "3 opened, 4 resolved, 8 opened"},
                             {"CCMCC", "3 mended"},
                             {"CCMCCC", "3 mended, 6 opened"}});
}

TEST_CASE("flapping: told once, and its end once") {
    // Six changes among twenty runs; the sixth is here the end of the third incident.
    check_all(site(),
              {{"OCOCOCOCOCOCO", "2 opened, 3 resolved, 4 opened, 5 resolved, 6 opened, 7 flapping"}});
    const std::string quiet_end(30, 'O');
    CHECK(told_of(site(), "OCOCOC" + quiet_end) ==
          "2 opened, 3 resolved, 4 opened, 5 resolved, 6 opened, 7 flapping, 23 resolved");

    // "Only when it settles": in what is broken, too.
    const std::string broken_end(30, 'C');
    CHECK(told_of(site(), "OCOCOCO" + broken_end) ==
          "2 opened, 3 resolved, 4 opened, 5 resolved, 6 opened, 7 flapping, 24 reminder");

    CheckCommon off;
    off.flap = {0, 0};
    CHECK(told_of(site(off), "COCOCOCO") ==
          "1 opened, 2 resolved, 3 opened, 4 resolved, 5 opened, 6 resolved, 7 opened, 8 resolved");
}

TEST_CASE("flapping between levels and below `confirm` is flapping, too") {
    CheckCommon patient;
    patient.confirm = 3;
    CHECK(told_of(site(patient), "OCOCOCOCOC") == "8 flapping");
    CHECK(told_of(site(), "WCWCWCWCW") ==
          "1 opened, 2 risen, 3 eased, 4 risen, 5 eased, 6 risen, 7 flapping");
}

TEST_CASE("what turns critical while flapping as a warning is told at once, once") {
    CHECK(told_of(site(), "OWOWOWOWCCOCO") ==
          "2 opened, 3 resolved, 4 opened, 5 resolved, 6 opened, 7 flapping, 9 risen");
}

TEST_CASE("broken and mended in one run is one message; each minute anew it is flapping") {
    check_all(site(), {{"OMO", "2 mended"}, {"OMOOOMO", "2 mended, 6 mended"}});
    CHECK(told_of(site(), "OMMMMMMMM") == "2 mended, 3 mended, 4 flapping");
}

TEST_CASE("unknown triggers nothing, but five runs in a row of it are a warning") {
    check_all(site(), {{"UUUU", ""},
                       {"UUUUU", "5 opened"},
                       {"UUUUUUUUUO", "5 opened, 10 resolved"},
                       {"UUUUC", "5 opened"},
                       {"UUUUUC", "5 opened, 6 risen"},
                       {"CUUUUUUUO", "1 opened, 9 resolved"}}); // an outage is not ended by blindness
}

TEST_CASE("skipped never counts") {
    check_all(site(), {{"SSSSSSSS", ""}, {"CSSSSSSO", "1 opened, 8 resolved"}, {"UUSUSUU", "7 opened"}});
}

TEST_CASE("severity caps the status") {
    CheckPolicy check = site();
    check.common.severity = Severity::warning;
    Story story({check});
    const News news = story.run({{"site", Status::critical}});
    REQUIRE(words(news) == "opened site");
    CHECK(news.items[0].incident.status == Status::warning);
    CHECK(story.verdict("site").status == Status::warning);
    CHECK(overall(story.judged().verdicts) == Status::warning);
    CHECK(story.judged().to_heal.empty());
}

TEST_CASE("severity info is told and does not spoil the overall status") {
    CheckPolicy check = site();
    check.common.severity = Severity::info;
    Story story({check, policy_for("other")});
    const News news = story.run({{"site", Status::critical}, {"other", Status::ok}});
    REQUIRE(words(news) == "opened site");
    CHECK(news.items[0].incident.severity == Severity::info);
    CHECK(overall(story.judged().verdicts) == Status::ok);
}

TEST_CASE("the overall status is the worst by rank, not by number") {
    const auto with = [](std::initializer_list<Status> all) {
        std::vector<Verdict> verdicts;
        for (const Status status : all) {
            verdicts.emplace_back().status = status;
        }
        return overall(verdicts);
    };
    CHECK(with({Status::ok, Status::unknown}) == Status::unknown);
    CHECK(with({Status::unknown, Status::warning}) == Status::warning);
    CHECK(with({Status::unknown, Status::critical, Status::ok}) == Status::critical);
    CHECK(with({Status::skipped, Status::ok}) == Status::ok);
}

TEST_CASE("only confirmed critical roots that acting can help are offered to the ladder") {
    CheckPolicy patient = policy_for("patient");
    patient.common.confirm = 2;
    Story story({patient, policy_for("warned"), policy_for("app", Layer::application),
                 policy_for("disk", Layer::disk)});
    const std::map<std::string, Status> seen{{"patient", Status::critical},
                                             {"warned", Status::warning},
                                             {"app", Status::critical},
                                             {"disk", Status::critical}};
    story.run(seen);
    CHECK(story.judged().to_heal == std::vector<std::string>{"disk", "app"}); // the lowest layer first
    story.run(seen);
    CHECK(story.judged().to_heal == std::vector<std::string>{"disk", "app", "patient"});
    story.quiet.reasons = {Quiet::deploy};
    story.run(seen);
    CHECK(story.judged().to_heal.empty());
    story.quiet.reasons = {Quiet::mute};
    story.run(seen);
    CHECK(story.judged().to_heal.size() == 3);
}

TEST_CASE("what acting cannot help is not offered") {
    Story story({policy_for("site")});
    RunFacts facts;
    facts.now = story.clock.now();
    for (const Remedy remedy : {Remedy::outside_host, Remedy::cannot_help}) {
        CheckResult result;
        result.status = Status::critical;
        result.remedy = remedy;
        facts.observations = {{"site", result}};
        const Judgement judged = judge({}, facts, story.policy);
        CHECK(judged.state.open_incident("site") != nullptr);
        CHECK(judged.to_heal.empty());
    }
}

TEST_CASE("healing that makes things worse is found by the next run, not by this one") {
    Story story({policy_for("a"), policy_for("b")});
    story.run({{"a", Status::ok}, {"b", Status::ok}});
    Minute minute;
    minute.seen = {{"a", Status::critical}, {"b", Status::ok}};
    minute.healed = {{"a", Status::ok}, {"b", Status::critical}};
    CHECK(words(story.run(minute)) == "mended a");
    CHECK(story.verdict("b").status == Status::critical); // shown as it is
    CHECK(words(story.run({{"a", Status::ok}, {"b", Status::critical}})) == "opened b");
}

TEST_CASE("a look after healing that saw nothing leaves what was seen before") {
    const Status nothing = GENERATE(Status::unknown, Status::skipped);
    Story story({policy_for("a"), policy_for("b")});
    Minute minute;
    minute.seen = {{"a", Status::critical}, {"b", Status::critical}};
    minute.healed = {{"a", nothing}, {"b", nothing}};
    CHECK(words(story.run(minute)) == "opened a, opened b");
    for (const char* name : {"a", "b"}) {
        CHECK(story.verdict(name).status == Status::critical);
        CHECK(story.state.checks.at(name).status == Status::critical);
    }
    CHECK(overall(story.judged().verdicts) == Status::critical);
}

TEST_CASE("healing may ease without mending") {
    Story story({policy_for("a")});
    Minute minute;
    minute.seen = {{"a", Status::critical}};
    minute.healed = {{"a", Status::warning}};
    const News news = story.run(minute);
    REQUIRE(words(news) == "opened a");
    CHECK(news.items[0].incident.status == Status::warning);
    CHECK(story.verdict("a").status == Status::warning);
}

TEST_CASE("recover_confirm holds for what the ladder mended, too") {
    CheckPolicy check = site();
    check.common.recover_confirm = 2;
    CHECK(told_of(check, "OMO") == "2 opened, 3 resolved");
}

TEST_CASE("checks that are gone from the configuration end with a word") {
    Story story({policy_for("site"), policy_for("gone"), policy_for("other-type")});
    story.run({{"site", Status::ok}, {"gone", Status::critical}, {"other-type", Status::critical}});
    story.policy.checks = {policy_for("site"), policy_for("other-type")};
    story.policy.checks[1].type = "tcp";
    const News news = story.run({{"site", Status::ok}, {"other-type", Status::ok}});
    CHECK(words(news) == "unwatched other-type, unwatched gone");
    CHECK(story.state.checks.count("gone") == 0);
}

TEST_CASE("what was never told does not end with a word either") {
    Story story({policy_for("gone")});
    Minute silent;
    silent.seen = {{"gone", Status::critical}};
    silent.notify = false;
    story.run(silent);
    story.policy.checks.clear();
    CHECK(words(story.run(std::map<std::string, Status>{})) == "");
    CHECK(story.state.incidents.empty());
}

TEST_CASE("--only leaves the others alone") {
    Story story({policy_for("a"), policy_for("b")});
    story.run({{"a", Status::critical}, {"b", Status::critical}});
    CHECK(words(story.run_for(10, {{"a", Status::ok}})) == "resolved a");
    CHECK(story.state.open_incident("b") != nullptr);
    CHECK(words(story.run({{"a", Status::ok}, {"b", Status::ok}})) == "resolved b");
}

TEST_CASE("a check's memory is kept while it has none to give") {
    Story story({policy_for("log")});
    RunFacts facts;
    facts.now = story.clock.now();
    CheckResult result;
    result.status = Status::ok;
    result.memory = {{"position", "42"}};
    facts.observations = {{"log", result}};
    JudgeState state = judge({}, facts, story.policy).state;
    CHECK(state.memory("log").at("position") == "42");
    facts.observations[0].result = CheckResult{}; // unknown: the run ended before it could look
    state = judge(state, facts, story.policy).state;
    CHECK(state.memory("log").at("position") == "42");
    CHECK(state.memory("nobody").empty());
}

TEST_CASE("histories count runs, levels and changes") {
    RunHistory history;
    CHECK(changes(history, 20) == 0);
    for (const char letter : std::string_view("OWCCO")) {
        add_run(history, letter == 'C' ? Status::critical : letter == 'W' ? Status::warning : Status::ok);
    }
    CHECK(changes(history, 20) == 3);
    CHECK(changes(history, 3) == 1);
    CHECK(bad_runs(history, AtLeast::warning, 5) == 3);
    CHECK(bad_runs(history, AtLeast::critical, 5) == 2);
    CHECK(bad_runs(history, AtLeast::critical, 2) == 1);
    for (int i = 0; i < 200; ++i) {
        add_run(history, Status::critical);
    }
    CHECK(bad_runs(history, AtLeast::critical, 1000) == 64);
    CHECK(changes(history, 64) == 0);
    note_mended(history);
    CHECK(changes(history, 64) == 1);
}

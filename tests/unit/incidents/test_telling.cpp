// What is told, when, to whom it belongs, and what quiet hides.
#include "story.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

constexpr Status ok = Status::ok, warning = Status::warning, critical = Status::critical;

Story one_site() {
    return Story({policy_for("site")});
}

SelfNotice notice(std::string name, std::string cause, SelfNotice::Life life = SelfNotice::Life::lasting) {
    return {name, cause, Status::warning, verbatim(name + " is wrong: " + cause), verbatim("look"), life};
}

Minute with_notice(SelfNotice one) {
    Minute minute;
    minute.seen = {{"site", ok}};
    minute.notices = {std::move(one)};
    return minute;
}

} // namespace

TEST_CASE("reminders come after 1, 2, 4, 8, 16 hours, then daily") {
    Story story = one_site();
    story.between = std::chrono::minutes(10);
    std::vector<int> hours;
    for (int i = 0; i < 6 * 24 * 5; ++i) {
        if (words(story.run({{"site", critical}})) == "reminder site") {
            hours.push_back(i / 6);
        }
    }
    CHECK(hours == std::vector<int>{1, 3, 7, 15, 31, 55, 79, 103});
}

TEST_CASE("no reminders of warnings, of what is acknowledged, or when switched off") {
    Story story = one_site();
    CHECK(words(story.run_for(200, {{"site", warning}})) == "opened site");
    Story acknowledged = one_site();
    acknowledged.run({{"site", critical}});
    acknowledged.state.incidents[0].acknowledged = true;
    CHECK(words(acknowledged.run_for(200, {{"site", critical}})) == "");
    Story off = one_site();
    off.policy.remind = Duration{0};
    CHECK(words(off.run_for(200, {{"site", critical}})) == "opened site");
}

TEST_CASE("a rise clears the acknowledgement and keeps the id") {
    Story story = one_site();
    const std::string id = story.run({{"site", warning}}).items[0].incident.id;
    CHECK(id.size() == 6);
    story.state.incidents[0].acknowledged = true;
    const News news = story.run({{"site", critical}});
    REQUIRE(words(news) == "risen site");
    CHECK(news.items[0].incident.id == id);
    CHECK_FALSE(news.items[0].incident.acknowledged);
    CHECK(words(story.run_for(61, {{"site", critical}})) == "reminder site");
}

TEST_CASE("a resolved message says how long it lasted and what it was") {
    Story story = one_site();
    story.run({{"site", critical}});
    story.run_for(4, {{"site", critical}});
    const News news = story.run({{"site", ok}});
    REQUIRE(words(news) == "resolved site");
    CHECK(news.items[0].lasted == std::chrono::minutes(5));
    CHECK(news.items[0].incident.message == verbatim("site is critical"));
    CHECK(news.tool == "health");
    CHECK(news.host == "test-1");
}

TEST_CASE("a mute hides messages, not the state") {
    Story story = one_site();
    story.mute();
    CHECK(words(story.run_for(10, {{"site", critical}})) == "");
    CHECK_FALSE(story.verdict("site").incident.empty());
    story.unmute();
    CHECK(words(story.run({{"site", critical}})) == "opened site"); // told at once, and only now
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
}

TEST_CASE("what came and went under a mute is not told, what was told before has its end told") {
    Story story = one_site();
    story.mute();
    story.run({{"site", critical}});
    story.run({{"site", ok}});
    story.unmute();
    CHECK(words(story.run_for(3, {{"site", ok}})) == "");

    story.run({{"site", critical}});
    story.mute();
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
}

TEST_CASE("rises and reminders under a mute are told when it ends") {
    Story story = one_site();
    story.run({{"site", warning}});
    story.mute();
    CHECK(words(story.run_for(100, {{"site", critical}})) == "");
    story.unmute();
    CHECK(words(story.run({{"site", critical}})) == "risen site");
    story.mute();
    CHECK(words(story.run_for(100, {{"site", critical}})) == "");
    story.unmute();
    CHECK(words(story.run({{"site", critical}})) == "reminder site");
}

TEST_CASE("a deploy hides only the checks that it names") {
    Story story({policy_for("site"), policy_for("disk", Layer::disk)});
    story.quiet.reasons = {Quiet::deploy};
    story.quiet.deploy_names_checks = true;
    story.quiet.deploy_checks = {"site"};
    story.quiet.release = "fe-1";
    CHECK(words(story.run({{"site", critical}, {"disk", critical}})) == "opened disk");
    story.quiet = {};
    const News after = story.run({{"site", critical}, {"disk", critical}});
    CHECK(words(after) == "opened site");
    REQUIRE(after.items.at(0).remarks.size() == 1); // what is still broken names the release
    CHECK(after.items[0].remarks[0].en.find("fe-1") != std::string::npos);
}

TEST_CASE("a deploy that names no check of this tool hides none") {
    Story story = one_site();
    story.quiet.reasons = {Quiet::deploy};
    story.quiet.deploy_names_checks = true;
    CHECK(words(story.run({{"site", critical}})) == "opened site");
}

TEST_CASE("what outlives a quiet is told even when it ends before anybody could tell it") {
    Story story = one_site();
    story.mute();
    story.run({{"site", critical}});
    story.unmute();
    Minute silent;
    silent.seen = {{"site", critical}};
    silent.notify = false; // the run died before telling
    story.run(silent);
    CHECK(words(story.run({{"site", ok}})) == "mended site");
}

TEST_CASE("with --no-notify nothing counts as told") {
    Story story = one_site();
    Minute silent;
    silent.notify = false;
    silent.seen = {{"site", critical}};
    story.run(silent);
    CHECK(words(story.run({{"site", critical}})) == "opened site");
    silent.seen = {{"site", ok}};
    story.run(silent);
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
    silent.seen = {{"site", critical}};
    story.run(silent);
    CHECK(words(story.run({{"site", ok}})) == "mended site"); // one message tells both
    CHECK(story.state.incidents.empty());
}

TEST_CASE("the ladder giving up is told once, with the commands to look with") {
    Story story = one_site();
    Minute minute;
    minute.seen = {{"site", critical}};
    CHECK(words(story.run(minute)) == "opened site");
    minute.healing.gave_up = {{"site", {"systemctl status nginx"}}};
    const News news = story.run(minute);
    REQUIRE(words(news) == "needs_person site");
    CHECK(news.items[0].look_with == std::vector<std::string>{"systemctl status nginx"});
    for (int i = 0; i < 57; ++i) {
        CHECK(words(story.run(minute)) == "");
    }
    minute.healing = {};
    CHECK(words(story.run_for(2, {{"site", critical}})) == "reminder site");
}

TEST_CASE("giving up under a mute is told when it ends") {
    Story story = one_site();
    story.mute();
    Minute minute;
    minute.seen = {{"site", critical}};
    minute.healing.gave_up = {{"site", {"journalctl"}}};
    CHECK(words(story.run(minute)) == "");
    story.unmute();
    CHECK(words(story.run({{"site", critical}})) == "opened site, needs_person site");
}

TEST_CASE("deeds stand with what they have mended, vain ones with what leads") {
    Story story({policy_for("nginx", Layer::unit), policy_for("frontend")});
    Minute minute;
    minute.seen = {{"nginx", critical}, {"frontend", critical}};
    minute.healed = {{"nginx", critical}, {"frontend", ok}};
    Deed helped{"permissions", "fix-permissions", "/srv", true, {}, {"frontend"}, {}};
    Deed vain{"nginx", "restart", "nginx.service", false, {}, {}, {}};
    minute.healing.deeds = {helped, vain};
    const News news = story.run(minute);
    REQUIRE(words(news) == "opened nginx, mended frontend");
    REQUIRE(news.items[0].deeds.size() == 1);
    CHECK(news.items[0].deeds[0].rung == "nginx");
    REQUIRE(news.items[1].deeds.size() == 1);
    CHECK(news.items[1].deeds[0].rung == "permissions");
}

TEST_CASE("what one deed has mended is one fault: the lowest layer leads, the rest stands under it") {
    Story story({policy_for("site"), policy_for("frontend", Layer::application), policy_for("queue")});
    Minute minute;
    minute.seen = {{"site", critical}, {"frontend", critical}, {"queue", critical}};
    minute.healed = {{"site", ok}, {"frontend", ok}, {"queue", ok}};
    minute.healing.deeds = {{"permissions", "fix-permissions", "/srv", true, {}, {"frontend", "site"}, {}},
                            {"workers", "restart", "workers.service", true, {}, {"queue"}, {}}};
    const News news = story.run(minute);
    REQUIRE(words(news) == "mended frontend, mended queue");
    REQUIRE(news.items[0].symptoms.size() == 1);
    CHECK(news.items[0].symptoms[0].check == "site");
    CHECK(news.items[0].symptoms[0].message == verbatim("site is critical"));
    CHECK(news.items[0].deeds.size() == 1);
    CHECK(news.items[1].symptoms.empty());
    CHECK(words(story.run({{"site", ok}, {"frontend", ok}, {"queue", ok}})) == "");
}

TEST_CASE("what was told on its own has its own end, whatever mended it") {
    Story story({policy_for("site"), policy_for("frontend", Layer::application)});
    story.run({{"site", critical}, {"frontend", critical}});
    Minute minute;
    minute.seen = {{"site", critical}, {"frontend", critical}};
    minute.healed = {{"site", ok}, {"frontend", ok}};
    minute.healing.deeds = {{"permissions", "fix-permissions", "/srv", true, {}, {"frontend", "site"}, {}}};
    CHECK(words(story.run(minute)) == "resolved frontend, resolved site");
}

TEST_CASE("why nothing was done stands with the news") {
    Story story = one_site();
    Minute minute;
    minute.seen = {{"site", critical}};
    minute.healing.not_acted = {{"site", verbatim("the cause is outside this host")},
                                {"other", verbatim("never seen")}};
    const News news = story.run(minute);
    REQUIRE(words(news) == "opened site");
    CHECK(news.items[0].remarks == std::vector<Text>{verbatim("the cause is outside this host")});
    CHECK(news.items[0].incident.hint.empty()); // a command there is for copying: nothing is glued to it
}

TEST_CASE("a machine that is still starting is shown and not told") {
    Story story = one_site();
    story.run({{"site", ok}});
    story.clock.reboot(std::chrono::seconds(10));
    story.between = std::chrono::seconds(50);
    CHECK(words(story.run({{"site", critical}})) == "");
    CHECK(story.verdict("site").status == critical);
    CHECK(story.judged().to_heal.empty());
    CHECK(words(story.run({{"site", critical}})) == "");
    CHECK(words(story.run({{"site", critical}})) == "opened site"); // 150 s after boot
}

TEST_CASE("an end seen while starting is told after it") {
    Story story = one_site();
    story.run({{"site", critical}});
    story.clock.reboot(std::chrono::seconds(10));
    story.between = std::chrono::seconds(70);
    CHECK(words(story.run({{"site", ok}})) == "");
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
}

TEST_CASE("what the suite notices of itself is told once, and its end") {
    Story story = one_site();
    CHECK(words(story.run(with_notice(notice("config", "abc")))) == "note config");
    CHECK(story.verdict("config").type == "self");
    CHECK_FALSE(story.verdict("config").incident.empty());
    CHECK(words(story.run(with_notice(notice("config", "abc")))) == "");
    // Another content of the file is another trouble, and nothing is well in between.
    CHECK(words(story.run(with_notice(notice("config", "def")))) == "note config");
    CHECK(words(story.run({{"site", ok}})) == "resolved config");
    CHECK(words(story.run_for(100, {{"site", ok}})) == "");
    CHECK(story.state.checks.size() == 1); // notices long gone are forgotten
}

TEST_CASE("two troubles of one name are one row in the report and two incidents") {
    Story story = one_site();
    Minute minute = with_notice(notice("markers", "deploy"));
    minute.notices.push_back(notice("markers", "mute"));
    CHECK(words(story.run(minute)) == "note markers, note markers");
    CHECK(story.judged().verdicts.size() == 2);
    CHECK(story.verdict("markers").message.en == "markers is wrong: deploy; markers is wrong: mute");
    CHECK(overall(story.judged().verdicts) == warning);
    // The name is in order again when neither is there any more.
    CHECK(words(story.run(with_notice(notice("markers", "mute")))) == "");
    CHECK(words(story.run({{"site", ok}})) == "resolved markers");
}

TEST_CASE("of several notices of one name each hint is said once") {
    Story story = one_site();
    Minute minute;
    minute.seen = {{"site", ok}};
    for (const char* hint : {"set it in /a", "set it in /a", "set it in /a; or remove it", "set it in /a"}) {
        minute.notices.push_back({"config", hint, warning, verbatim("not set"), verbatim(hint), {}});
    }
    story.run(minute);
    const auto& verdicts = story.judged().verdicts;
    const auto config = std::find_if(verdicts.begin(), verdicts.end(),
                                     [](const Verdict& verdict) { return verdict.name == "config"; });
    REQUIRE(config != verdicts.end());
    CHECK(config->hint.en == "set it in /a; or remove it");
}

TEST_CASE("a passing notice is told once a day and has no end") {
    Story story = one_site();
    story.between = std::chrono::minutes(30);
    const SelfNotice passing = notice("markers", "always-muted", SelfNotice::Life::passing);
    int told = 0;
    for (int i = 0; i < 48 * 3; ++i) {
        const std::string said = words(story.run(with_notice(passing)));
        CHECK((said.empty() || said == "note markers"));
        told += said.empty() ? 0 : 1;
    }
    CHECK(told == 3);
    CHECK(words(story.run_for(100, {{"site", ok}})) == "");
}

TEST_CASE("quiet hides what the suite notices of itself, but not that quiet is in disorder") {
    Story story = one_site();
    story.mute();
    CHECK(words(story.run(with_notice(notice("config", "x")))) == "");
    CHECK(words(story.run(with_notice(notice("markers", "deploy")))) == "note markers");
    CHECK(words(story.run(with_notice(notice("markers", "m", SelfNotice::Life::passing)))) ==
          "resolved markers, note markers");
    CHECK(words(story.run(with_notice(notice("state", "s", SelfNotice::Life::passing)))) == "");
    story.unmute();
    CHECK(words(story.run({{"site", ok}})) == "note state");
}

TEST_CASE("a run that is done again has the same ids and tells as the same run") {
    Story story = one_site();
    story.run({{"site", ok}});
    const JudgeState before = story.state;
    const News first = story.run({{"site", critical}});
    const RunId id = story.run_id();
    story.state = before; // it could not be written
    const News again = story.run({{"site", critical}});
    CHECK(first.items[0].incident.id == again.items[0].incident.id);
    CHECK(story.run_id() == id);
    story.run({{"site", ok}});
    CHECK(story.run_id().epoch == id.epoch);
    CHECK(story.run_id().run == id.run + 1);
}

TEST_CASE("states that were begun apart have different epochs") {
    RunFacts facts;
    facts.seed = 1;
    const std::string one = judge({}, facts, {}).state.epoch;
    facts.seed = 2;
    CHECK(judge({}, facts, {}).state.epoch != one);
    CHECK(one.size() == 6);
}

TEST_CASE("of what could not be seen nothing is claimed, until something is") {
    Story story = one_site();
    const std::vector<NewsItem> told = story.run_for(5, {{"site", Status::unknown}});
    REQUIRE(words(told) == "opened site");
    CHECK(told[0].incident.blind);
    const News seen = story.run({{"site", critical}});
    REQUIRE(words(seen) == "risen site");
    CHECK_FALSE(seen.items[0].incident.blind);
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
    CHECK(words(story.run_for(5, {{"site", Status::unknown}})) == "opened site");
    story.run({{"site", warning}});
    CHECK_FALSE(story.state.incidents[0].blind);
}

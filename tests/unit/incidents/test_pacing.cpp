// When what is to be told is told: quiet hours, the messages of an hour, the day's summary, escalation.
#include "alerts/message.h"
#include "incidents/hours.h"
#include "story.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

constexpr Status ok = Status::ok, warning = Status::warning, critical = Status::critical;

// A story of two checks that has come to that minute of its first day; made-up clocks begin at 10:00 UTC.
struct Day : Story {
    explicit Day(Duration since_ten = 0s) : Story({policy_for("site"), policy_for("disk")}) {
        policy.zone = "UTC";
        run({{"site", ok}, {"disk", ok}});
        clock.advance(since_ten - between);
    }
};

struct Night : Day {
    explicit Night(Duration since_eleven_pm = 0s) : Day(13h + since_eleven_pm) {
        policy.quiet = "23:00-08:00";
    }
};

void until_eight(Story& story) {
    story.clock.advance(8h);
}

WallTime utc(std::string_view text) {
    return parse_utc(text).value();
}

} // namespace

TEST_CASE("hours may reach over midnight and are those of the zone") {
    const auto quiet = [](std::string_view time, const std::string& zone = "UTC") {
        return is_within(utc(time), "23:00-08:00", zone);
    };
    CHECK_FALSE(quiet("2026-01-22T22:59:59Z"));
    CHECK(quiet("2026-01-22T23:00:00Z"));
    CHECK(quiet("2026-01-23T00:00:00Z"));
    CHECK(quiet("2026-01-23T07:59:59Z"));
    CHECK_FALSE(quiet("2026-01-23T08:00:00Z"));
    CHECK(quiet("2026-01-22T20:30:00Z", "Europe/Moscow"));
    CHECK(is_within(utc("2026-01-22T13:30:00Z"), "13:00-14:00", "UTC"));
    CHECK_FALSE(is_within(utc("2026-01-22T14:00:00Z"), "13:00-14:00", "UTC"));
    CHECK_FALSE(is_within(utc("2026-01-22T13:30:00Z"), "", "UTC"));
}

TEST_CASE("a clock strikes once a day") {
    const auto struck = [](std::string_view since, std::string_view now, const std::string& zone = "UTC") {
        return has_struck("09:00", utc(since), utc(now), zone);
    };
    CHECK_FALSE(struck("2026-01-22T08:00:00Z", "2026-01-22T08:59:59Z"));
    CHECK(struck("2026-01-22T08:00:00Z", "2026-01-22T09:00:02Z"));
    CHECK_FALSE(struck("2026-01-22T09:00:02Z", "2026-01-22T09:01:02Z"));
    CHECK_FALSE(struck("2026-01-22T09:00:02Z", "2026-01-23T08:59:00Z"));
    CHECK(struck("2026-01-22T09:00:02Z", "2026-01-23T09:07:00Z"));
    CHECK(struck("2026-01-22T05:00:00Z", "2026-01-22T06:00:00Z", "Europe/Moscow"));
    CHECK_FALSE(has_struck("", utc("2026-01-22T05:00:00Z"), utc("2026-01-23T06:00:00Z"), "UTC"));
}

TEST_CASE("in quiet hours a warning waits for the morning, critical never does") {
    Night story;
    CHECK(words(story.run({{"site", ok}, {"disk", warning}})) == "");
    CHECK(words(story.run({{"site", critical}, {"disk", warning}})) == "opened site");
    CHECK(words(story.run({{"site", ok}, {"disk", warning}})) == "resolved site"); // who was woken is told
    until_eight(story);
    story.clock.advance(1h);
    const News morning = story.run({{"site", ok}, {"disk", warning}});
    REQUIRE(words(morning) == "opened disk");
    CHECK(morning.items[0].waited);
    CHECK(words(story.run({{"site", ok}, {"disk", ok}})) == "resolved disk");
}

TEST_CASE("what rises in quiet hours is told at once, and so is what becomes of it") {
    Night story;
    story.run({{"site", warning}});
    CHECK(words(story.run({{"site", critical}})) == "opened site");
    CHECK(words(story.run({{"site", warning}})) == "eased site");
    CHECK(words(story.run({{"site", ok}})) == "resolved site");
    CHECK(story.state.incidents.empty());
}

TEST_CASE("what came and went in quiet hours is told once, in the morning") {
    Night story;
    story.run({{"disk", warning}, {"site", warning}});
    story.run({{"disk", ok}, {"site", warning}});
    story.run({{"disk", warning}, {"site", warning}});
    CHECK(words(story.run({{"disk", ok}, {"site", ok}})) == "");
    until_eight(story);
    CHECK(words(story.run({{"site", ok}})) == ""); // 07:05
    story.clock.advance(1h);
    const News morning = story.run({{"site", ok}});
    CHECK(words(morning) == "mended site, mended disk, mended disk");
    CHECK(morning.items[0].waited);
    CHECK(morning.items[0].lasted == 3min); // not until the morning
    CHECK(story.state.incidents.empty());
    CHECK(words(story.run({{"site", ok}})) == "");
}

TEST_CASE("what waits for the morning is not lost in a mute, wherever in the mute it ends") {
    for (const bool ends_before_the_mute : {true, false}) {
        CAPTURE(ends_before_the_mute);
        Night story;
        CHECK(words(story.run({{"disk", warning}})) == "");
        if (ends_before_the_mute) {
            CHECK(words(story.run({{"disk", ok}})) == "");
        }
        story.mute();
        CHECK(words(story.run({{"disk", ends_before_the_mute ? ok : warning}})) == "");
        CHECK(words(story.run({{"disk", ok}})) == "");
        CHECK(words(story.run({{"disk", warning}, {"site", warning}})) ==
              ""); // came and went in the mute alone
        CHECK(words(story.run({{"disk", ok}, {"site", ok}})) == "");
        until_eight(story);
        story.clock.advance(1h);
        CHECK(words(story.run({{"disk", ok}})) == ""); // the night is over, the mute is not
        story.unmute();
        CHECK(words(story.run({{"disk", ok}})) == "mended disk");
        CHECK(story.state.incidents.empty());
    }
}

TEST_CASE("an end that is told in the morning says what was done at night") {
    Night story;
    const Deed restart{"app", "restart", "app.service", true, {}, {"disk"}, 3s};
    Minute minute{{{"disk", warning}}, {{"disk", ok}}, {}, {{restart}, {}, {}}, true};
    CHECK(words(story.run(minute)) == "");
    CHECK(words(story.run({{"disk", warning}})) == ""); // another one, which nothing has mended
    CHECK(words(story.run({{"disk", ok}})) == "");
    until_eight(story);
    story.clock.advance(1h);
    const News morning = story.run({{"site", ok}});
    REQUIRE(words(morning) == "mended disk, mended disk");
    CHECK(morning.items[0].deeds == std::vector<Deed>{restart});
    CHECK(morning.items[1].deeds.empty());
    CHECK(plain_text(*compose(morning, Voice{Lang::ru, "UTC"})).find("перезапущено: app.service") !=
          std::string::npos);
}

TEST_CASE("an end that is proven some runs later says what was done; what did not last is not said") {
    Story story({policy_for("site")});
    story.policy.checks[0].common.recover_confirm = 2;
    story.policy.checks[0].common.flap = {};
    story.run({{"site", ok}});
    const Deed restart{"app", "restart", "app.service", true, {}, {"site"}, 3s};
    const Minute mended{{{"site", critical}}, {{"site", ok}}, {}, {{restart}, {}, {}}, true};
    CHECK(words(story.run(mended)) == "opened site");
    News end = story.run({{"site", ok}});
    REQUIRE(words(end) == "resolved site");
    CHECK(end.items[0].deeds == std::vector<Deed>{restart});
    story.run(mended);
    story.run({{"site", critical}});
    story.run({{"site", ok}});
    end = story.run({{"site", ok}});
    REQUIRE(words(end) == "resolved site");
    CHECK(end.items[0].deeds.empty());
}

TEST_CASE("a warning told in the evening has its end told in the morning") {
    Night story(-10min);
    CHECK(words(story.run({{"disk", warning}})) == "opened disk");
    story.clock.advance(20min);
    CHECK(words(story.run({{"disk", ok}})) == "");
    CHECK(words(story.run({{"disk", warning}})) == "");
    until_eight(story);
    story.clock.advance(1h);
    CHECK(words(story.run({{"disk", warning}})) == "opened disk, resolved disk");
    CHECK(words(story.run({{"disk", ok}})) == "resolved disk");
}

TEST_CASE("what came and went under a mute in quiet hours is told at no time") {
    Night story;
    story.mute();
    story.run({{"disk", warning}});
    story.run({{"disk", ok}});
    CHECK(story.state.incidents.empty());
    story.unmute();
    until_eight(story);
    story.clock.advance(1h);
    CHECK(words(story.run({{"disk", ok}})) == "");
}

TEST_CASE("beyond per_hour what is not critical and new waits, and goes out with what is") {
    Day story;
    story.policy.per_hour = 2;
    story.policy.checks[0].common.flap = {0, 0};
    CHECK(words(story.run({{"site", critical}, {"disk", ok}})) == "opened site");
    CHECK(words(story.run({{"site", ok}, {"disk", ok}})) == "resolved site");
    CHECK(words(story.run({{"site", ok}, {"disk", warning}})) == ""); // the third
    const News digest = story.run({{"site", critical}, {"disk", warning}});
    CHECK(words(digest) == "opened site, opened disk");
    CHECK_FALSE(digest.items[0].waited);
    CHECK(digest.items[1].waited);
    CHECK(words(story.run({{"site", ok}, {"disk", warning}})) == "");
    CHECK(words(story.run({{"site", critical}, {"disk", warning}})) == "opened site, resolved site");
    CHECK(words(story.run_for(50, {{"site", ok}, {"disk", ok}})) == "");
    CHECK(words(story.run_for(10, {{"site", ok}, {"disk", ok}})) == "resolved site, resolved disk");
    CHECK(story.state.incidents.empty());
}

TEST_CASE("what other tools have sent takes room in the hour, too") {
    Day story;
    story.policy.per_hour = 2;
    story.run({{"site", ok}, {"disk", ok}});
    RunFacts facts;
    CheckResult seen;
    seen.status = warning;
    facts.observations = {{"disk", seen, false}};
    facts.now = story.clock.now();
    const Judgement judged = judge(story.state, facts, story.policy);
    const auto tell_among = [&](std::size_t messages) {
        return words(tell(judged.state, {}, {}, facts.now, story.policy, {}, messages).news);
    };
    CHECK(tell_among(1) == "opened disk");
    CHECK(tell_among(2) == "");
}

TEST_CASE("per_hour = 0 is no limit") {
    Day story;
    story.policy.checks[0].common.flap = {0, 0};
    for (int i = 0; i < 60; ++i) {
        CHECK(story.run({{"site", i % 2 == 0 ? warning : ok}}).items.size() == 1);
    }
}

TEST_CASE("a summary a day, with what is open, from the first that comes after the state was begun") {
    Day story;
    story.policy.digest = "09:00";
    std::vector<WallTime> told_at;
    story.between = 5min;
    for (int run = 0; run < 3 * 24 * 12; ++run) {
        const News news = story.run({{"site", ok}, {"disk", run > 400 ? warning : ok}});
        if (words(news) == "summary summary") {
            told_at.push_back(story.clock.now().wall);
            CHECK(news.items[0].symptoms.size() == (told_at.size() == 1 ? 0 : 1));
        }
    }
    CHECK(told_at == std::vector<WallTime>{utc("2026-01-23T09:00:00Z"), utc("2026-01-24T09:00:00Z"),
                                           utc("2026-01-25T09:00:00Z")});
}

TEST_CASE("a mute holds the summary back until it is over") {
    Day story;
    story.policy.digest = "09:00";
    story.mute();
    story.clock.advance(23h + 30min);
    CHECK(words(story.run({{"site", ok}})) == "");
    story.unmute();
    CHECK(words(story.run({{"site", ok}})) == "summary summary");
    CHECK(words(story.run({{"site", ok}})) == "");
}

TEST_CASE("what nobody has answered for so long is told once more, to others") {
    Story story({policy_for("site")});
    story.policy.checks[0].escalate_critical = 15min;
    story.run({{"site", warning}});
    CHECK(words(story.run_for(30, {{"site", warning}})) == ""); // that level is not escalated
    CHECK(words(story.run({{"site", critical}})) == "risen site");
    CHECK(words(story.run_for(14, {{"site", critical}})) == "");
    CHECK(words(story.run({{"site", critical}})) == "escalated site");
    CHECK(words(story.run_for(40, {{"site", critical}})) == "");
    CHECK(words(story.run({{"site", ok}})) == "resolved site");

    story.run({{"site", critical}});
    story.state.incidents[0].acknowledged = true;
    CHECK(words(story.run_for(40, {{"site", critical}})) == "");
    story.run({{"site", ok}});

    story.run({{"site", critical}});
    story.mute();
    CHECK(words(story.run_for(40, {{"site", critical}})) == "");
    story.unmute();
    CHECK(words(story.run({{"site", critical}})) == "escalated site");
}

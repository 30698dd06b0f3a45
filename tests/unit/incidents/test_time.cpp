// Time that is late, jumps, or begins again.
#include "story.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

constexpr Status ok = Status::ok, critical = Status::critical;
using std::chrono::hours;
using std::chrono::minutes;

Story one_site() {
    return Story({policy_for("site")});
}

} // namespace

TEST_CASE("a run that is late has seen one failure, not ten") {
    CheckPolicy patient = policy_for("site");
    patient.common.confirm = 3;
    Story story({patient});
    story.run({{"site", critical}});
    story.clock.advance(hours(5));
    CHECK(words(story.run({{"site", critical}})) == "");
    CHECK(words(story.run({{"site", critical}})) == "opened site");
}

TEST_CASE("many missed reminders are one") {
    Story story = one_site();
    story.run({{"site", critical}});
    story.clock.advance(hours(24 * 7));
    CHECK(words(story.run({{"site", critical}})) == "reminder site");
    CHECK(words(story.run_for(60, {{"site", critical}})) == "");
}

TEST_CASE("a wall clock that jumps neither silences nor floods") {
    for (const Duration jump :
         {Duration(hours(24 * 400)), Duration(hours(-24 * 400)), Duration(hours(5)), Duration(hours(-5))}) {
        CAPTURE(jump.count());
        Story story = one_site();
        story.run({{"site", critical}});
        story.clock.jump_wall(jump);
        CHECK(words(story.run_for(58, {{"site", critical}})) == "note clock");
        CHECK(words(story.run_for(3, {{"site", critical}})) == "reminder site");
    }
}

TEST_CASE("a clock that jumps and is set back: both are told; one that jumps for ever is not told for ever") {
    Story story = one_site();
    story.run({{"site", ok}});
    story.clock.jump_wall(hours(24 * 366));
    CHECK(words(story.run({{"site", ok}})) == "note clock");
    story.clock.jump_wall(hours(-24 * 366));
    CHECK(words(story.run({{"site", ok}})) == "note clock");
    std::size_t told = 0;
    for (int i = 0; i < 60; ++i) {
        story.clock.jump_wall(minutes(i % 2 == 0 ? 10 : -10));
        told += story.run({{"site", ok}}).items.size();
    }
    CHECK(told == 4); // six in all
}

TEST_CASE("small corrections of the clock are not worth a word") {
    Story story = one_site();
    story.run({{"site", ok}});
    story.clock.jump_wall(minutes(-2));
    CHECK(words(story.run({{"site", ok}})) == "");
}

TEST_CASE("a host that comes back with its clock far in the past or future still reminds") {
    for (const Duration jump : {Duration(hours(-24 * 400)), Duration(hours(24 * 4000))}) {
        CAPTURE(jump.count());
        Story story = one_site();
        story.run({{"site", critical}});
        story.clock.jump_wall(jump);
        story.clock.reboot(minutes(1));
        story.clock.advance(minutes(5));
        std::vector<NewsItem> told = story.run_for(64, {{"site", critical}});
        CHECK(words(told) == "reminder site");
    }
}

TEST_CASE("incidents survive a reboot") {
    Story story = one_site();
    story.run({{"site", critical}});
    story.clock.reboot(minutes(1));
    story.clock.advance(minutes(5));
    CHECK(words(story.run({{"site", critical}})) == "");
    const News news = story.run({{"site", ok}});
    REQUIRE(words(news) == "resolved site");
    CHECK(news.items[0].lasted == minutes(8));
}

TEST_CASE("`every`: a check runs when its time has come, in spite of cron's jitter") {
    CheckPolicy rare = policy_for("rare");
    rare.common.every = minutes(5);
    Story story({policy_for("site"), rare});
    using Names = std::vector<std::string>;
    CHECK(due(story.state, story.policy, story.clock.now()) == Names{"site", "rare"});
    story.run({{"site", ok}, {"rare", ok}});
    for (int i = 1; i < 5; ++i) {
        story.clock.advance(minutes(1));
        CHECK(due(story.state, story.policy, story.clock.now()) == Names{"site"});
    }
    story.clock.advance(std::chrono::seconds(59));
    CHECK(due(story.state, story.policy, story.clock.now()) == Names{"site", "rare"});
}

TEST_CASE("`every`: what was skipped was not looked at, and is due again") {
    CheckPolicy rare = policy_for("rare");
    rare.common.every = hours(24);
    Story story({policy_for("site"), rare});
    story.run({{"site", ok}, {"rare", Status::skipped}});
    story.clock.advance(minutes(5));
    CHECK(due(story.state, story.policy, story.clock.now()).size() == 2);
    story.run({{"site", ok}, {"rare", ok}});
    story.clock.advance(minutes(5));
    CHECK(due(story.state, story.policy, story.clock.now()).size() == 1);
}

TEST_CASE("`every` with a clock set back across a reboot waits once more and then goes on") {
    CheckPolicy rare = policy_for("rare");
    rare.common.every = minutes(5);
    Story story({policy_for("site"), rare});
    story.run({{"site", ok}, {"rare", ok}});
    story.clock.jump_wall(hours(-1000));
    story.clock.reboot(minutes(1));
    story.run({{"site", ok}});
    story.clock.advance(minutes(5));
    CHECK(due(story.state, story.policy, story.clock.now()).size() == 2);
}

TEST_CASE("a check that is not due keeps its incident") {
    CheckPolicy rare = policy_for("rare");
    rare.common.every = hours(6);
    Story story({policy_for("site"), rare});
    CHECK(words(story.run({{"site", ok}, {"rare", Status::warning}})) == "opened rare");
    CHECK(words(story.run_for(360, {{"site", ok}})) == "");
    CHECK(words(story.run({{"site", ok}, {"rare", ok}})) == "resolved rare");
}

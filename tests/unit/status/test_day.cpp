#include "status/day.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::status;
using namespace std::chrono_literals;

namespace {

const WallTime k_now{1'769'076'000'000ms};

LookForm form_of(const std::string& check, Status status) {
    LookForm form;
    form.check = check;
    form.shown = static_cast<int>(status);
    form.metrics = "time\x1Fs\x1F\x1F";
    return form;
}

PastRun run_at(WallTime time, std::vector<PastLook> looks) {
    PastRun run;
    run.tool = "health";
    run.started.wall = time;
    run.looks = std::move(looks);
    return run;
}

Hour hour_of(Status status, std::optional<double> figure = std::nullopt) {
    return {status, figure};
}

} // namespace

TEST_CASE("an hour is as bad as its worst look, and shows its highest figure", "[status]") {
    const LookForm good = form_of("site", Status::ok), bad = form_of("site", Status::critical);
    LastDay day(k_now);
    day.take(run_at(k_now - 25h, {{&bad, {1us, {}, {9}}}}));
    day.take(run_at(k_now - 23h - 30min, {{&good, {1us, {}, {0.5}}}}));
    day.take(run_at(k_now - 90min, {{&bad, {1us, {}, {3}}}}));
    day.take(run_at(k_now - 70min, {{&good, {1us, {}, {1}}}}));
    day.take(run_at(k_now - 1min, {{&good, {1us, {}, {0.25}}}}));
    const LastDay::Said said = day.said().at("health/site");
    CHECK(said.at.wall == k_now - 1min);
    CHECK(said.look.shown == 0);
    CHECK(said.day[0] == hour_of(Status::ok, 0.5));
    CHECK(said.day[1] == Hour{});
    CHECK(said.day[22] == hour_of(Status::critical, 3));
    CHECK(said.day[23] == hour_of(Status::ok, 0.25));
}

TEST_CASE("what was mended was broken in its hour, and good is the last word", "[status]") {
    const LookForm bad = form_of("site", Status::critical), good = form_of("site", Status::ok);
    PastRun run = run_at(k_now - 1min, {{&bad, {1us, {}, {1}}}});
    run.after_healing = {{&good, {1us, {}, {2}}}};
    LastDay day(k_now);
    day.take(run);
    const LastDay::Said said = day.said().at("health/site");
    CHECK(said.look.shown == 0);
    CHECK(said.day[23].worst == Status::critical);
}

TEST_CASE("a run of a time to come is in no hour", "[status]") {
    const LookForm good = form_of("site", Status::ok);
    LastDay day(k_now);
    day.take(run_at(k_now + 1h, {{&good, {1us, {}, {1}}}}));
    CHECK(day.said().at("health/site").day == Day{});
    CHECK(day.last_runs().contains("health"));
}

TEST_CASE("a sparkline has one character an hour", "[status]") {
    Day day{};
    CHECK(sparkline(day) == "························");
    day[18] = hour_of(Status::ok, 0);
    day[19] = hour_of(Status::ok, 5);
    day[20] = hour_of(Status::ok, 10);
    day[21] = hour_of(Status::warning, 10);
    day[22] = hour_of(Status::unknown);
    day[23] = hour_of(Status::critical, 10);
    CHECK(sparkline(day) == "··················▁▅█!?×");
    Day flat{};
    flat[22] = hour_of(Status::ok, 100);
    flat[23] = hour_of(Status::ok, 103);
    CHECK(sparkline(flat) == "······················▁▁");
    Day without{};
    without[23] = hour_of(Status::ok);
    CHECK(sparkline(without) == "·······················▁");
}

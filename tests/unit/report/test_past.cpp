#include "report/past.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

RecordedLook look_of(std::string check, Status status, const std::string& message) {
    RecordedLook look;
    look.check = std::move(check);
    look.type = "http";
    look.status = look.shown = static_cast<int>(status);
    look.message = verbatim(message);
    return look;
}

// A history made minute by minute. The first begins at 2026-01-22 10:00:00 UTC.
class Story {
  public:
    Story() { std::filesystem::create_directory(m_folder / "run"); }

    RecordedRun run(std::vector<RecordedLook> looks) {
        RecordedRun run;
        run.tool = "health";
        run.started = m_clock.now();
        run.looks = std::move(looks);
        return run;
    }
    void record(const RecordedRun& run) {
        const History::Outcome outcome = History(m_files, m_clock, place(), {}).record(run);
        REQUIRE_FALSE(outcome.lost);
        m_clock.advance(1min);
    }
    void minute(Status status, const std::string& message) {
        record(run({look_of("site", status, message)}));
    }
    void off(Duration duration) { m_clock.advance(duration); }

    Past past(std::optional<std::string> check = {}) {
        Result<PastRuns> runs = PastRuns::at(m_files, m_clock, place(), m_clock.steady() + 1s);
        REQUIRE(runs);
        const WallTime now = m_clock.now().wall;
        Result<Past> read = read_past(*runs, {"health", now - 24h, now, std::move(check)});
        REQUIRE(read);
        return std::move(read).value();
    }

  private:
    [[nodiscard]] HistoryPlace place() const {
        return {m_folder / "state", m_folder / "run/history.lock", ::geteuid()};
    }
    TempFolder m_folder;
    FakeClock m_clock;
    SystemFiles m_files;
};

std::string text_of(const Past& past, Lang lang = Lang::en) {
    return render_past_text(past, {lang, "UTC", "test-1", PastView::Stretches::of_broken});
}

} // namespace

TEST_CASE("runs that found the same are one stretch, whatever figures they found") {
    Story story;
    story.minute(Status::ok, "HTTP 200 in 5 ms");
    story.minute(Status::ok, "HTTP 200 in 7 ms");
    story.minute(Status::critical, "HTTP 500, expected 200");
    story.minute(Status::critical, "HTTP 502, expected 200");
    story.minute(Status::critical, "refused");
    story.minute(Status::ok, "HTTP 200 in 9 ms");
    const Past past = story.past();
    REQUIRE(past.checks.size() == 1);
    const CheckPast& site = past.checks[0];
    CHECK(site.looks == 6);
    CHECK(site.broken == 3);
    CHECK(site.availability() == 0.5);
    REQUIRE(site.stretches.size() == 4);
    CHECK(site.stretches[1].runs == 2);
    CHECK(site.stretches[1].message.en == "HTTP 502, expected 200");
    CHECK(site.stretches[1].until - site.stretches[1].since == 2min);
    CHECK(site.stretches[2].message.en == "refused");
    CHECK(site.stretches[3].until == site.stretches[3].since);
}

TEST_CASE("what could not be looked at counts neither for nor against") {
    Story story;
    story.minute(Status::unknown, "no rights");
    CHECK_FALSE(story.past().checks[0].availability().has_value());
    story.minute(Status::ok, "");
    story.minute(Status::warning, "slow");
    CHECK(story.past().checks[0].availability() == 1.0);
}

TEST_CASE("a pause in which nothing ran is a gap, not a long stretch") {
    Story story;
    for (int i = 0; i < 5; ++i) {
        story.minute(Status::ok, "");
    }
    story.off(5h);
    for (int i = 0; i < 5; ++i) {
        story.minute(Status::ok, "");
    }
    const Past past = story.past();
    REQUIRE(past.gaps.size() == 1);
    CHECK(past.gaps[0].until - past.gaps[0].from == 5h + 1min);
    REQUIRE(past.checks[0].stretches.size() == 2);
    CHECK(past.checks[0].stretches[0].until - past.checks[0].stretches[0].since == 4min);
}

TEST_CASE("one run that was late, and a clock set back, are no gaps") {
    const WallTime begin{1h};
    CHECK(gaps_in({}).empty());
    CHECK(gaps_in({begin}).empty());
    CHECK(gaps_in({begin, begin + 1min, begin + 2min, begin + 5min}).empty());
    CHECK(gaps_in({begin, begin + 1min, begin + 2min, begin + 6min}).size() == 1);
    CHECK(gaps_in({begin, begin + 1min, begin - 1h, begin}).size() == 1); // the way forward again
    CHECK(gaps_in({begin, begin + 1h, begin + 2h, begin + 4h}).empty());  // a tool of every hour
}

TEST_CASE("the text: broken checks with their stretches, good ones in a line, and what was done") {
    Story story;
    story.record(
        story.run({look_of("site", Status::ok, "HTTP 200"), look_of("disk", Status::ok, "42% free")}));
    RecordedRun broken =
        story.run({look_of("site", Status::critical, "HTTP 500"), look_of("disk", Status::ok, "41% free")});
    broken.after_healing = {look_of("site", Status::ok, "HTTP 200")};
    broken.events = {{RecordedEvent::Kind::change, "opened", "site", "abc234", 2, {}},
                     {RecordedEvent::Kind::told, "mended", "site", "abc234", 2, {}}};
    broken.deeds = {{"nginx", "restart", "nginx.service", true, verbatim("in 340 ms"), {"site"}, 340ms}};
    story.record(broken);
    story.record(
        story.run({look_of("site", Status::ok, "HTTP 200"), look_of("disk", Status::ok, "41% free")}));
    CHECK(text_of(story.past()) ==
          "test-1 · lectio-health · since 2026-01-21 10:03:00, 3 runs\n"
          "site: available 66.67%, found broken 1 of 3 times\n"
          "  2026-01-22 10:00:00  ok    1 minute  HTTP 200\n"
          "  2026-01-22 10:01:00  CRIT  1 minute  HTTP 500; mended in the same run\n"
          "  2026-01-22 10:02:00  ok    less than a second  HTTP 200\n"
          "disk: available 100%, looked at 3 times\n"
          "Incidents:\n"
          "  2026-01-22 10:01:00  abc234 site broken\n"
          "  2026-01-22 10:01:00  abc234 site told: broken and mended\n"
          "Recovery:\n"
          "  2026-01-22 10:01:00  nginx restart on nginx.service: done (in 340 ms); works again: site\n");
    const std::string russian = text_of(story.past(), Lang::ru);
    CHECK(russian.find("site: доступность 66.67%, сломано 1 раз из 3\n") != std::string::npos);
    CHECK(russian.find("disk: доступность 100%, проверено 3 раза\n") != std::string::npos);
    CHECK(russian.find("с 2026-01-21 10:03:00, 3 запуска") != std::string::npos);
}

TEST_CASE("one check alone: its own stretches, incidents and recoveries") {
    Story story;
    RecordedRun run =
        story.run({look_of("site", Status::ok, ""), look_of("disk", Status::warning, "9% free")});
    run.events = {{RecordedEvent::Kind::change, "opened", "disk", "abc234", 1, {}},
                  {RecordedEvent::Kind::change, "opened", "site", "def234", 2, {}}};
    run.deeds = {{"nginx", "restart", "nginx.service", true, {}, {"site"}, 1ms}};
    story.record(run);
    const Past past = story.past("disk");
    CHECK(past.checks.size() == 1);
    CHECK(past.events.size() == 1);
    CHECK(past.deeds.empty());
}

TEST_CASE("a hundred percent is never said of what was broken once") {
    Past past;
    past.runs = 100'000;
    past.checks = {{"site", "http", 100'000, 1, {}}};
    CHECK(text_of(past).find("available 99.99%") != std::string::npos);
}

TEST_CASE("outside text cannot drive the reader's terminal, in the history neither") {
    Past past;
    past.checks = {
        {"site", "http", 1, 1, {{Status::critical, {}, {}, 1, verbatim("\x1B]0;owned\x07 x"), false}}}};
    CHECK(text_of(past).find('\x1B') == std::string::npos);
}

TEST_CASE("the JSON form has every field, with times in UTC") {
    Story story;
    RecordedRun run = story.run({look_of("site", Status::critical, "HTTP 500")});
    run.events = {{RecordedEvent::Kind::change, "opened", "site", "abc234", 2, verbatim("HTTP 500")}};
    run.deeds = {{"nginx", "restart", "nginx.service", false, verbatim("no"), {}, 340ms}};
    story.record(run);
    const auto json = nlohmann::json::parse(
        render_past_json(story.past(), {Lang::en, "UTC", "test-1", PastView::Stretches::all}), nullptr,
        false);
    REQUIRE(json.is_object());
    CHECK(json["tool"] == "lectio-health");
    CHECK(json["exit_code"] == 0);
    CHECK(json["runs"] == 1);
    CHECK(json["checks"][0]["availability"] == 0.0);
    CHECK(json["checks"][0]["stretches"][0]["since"] == "2026-01-22T10:00:00Z");
    CHECK(json["events"][0]["event"] == "opened");
    CHECK(json["recovery"][0]["ok"] == false);
    CHECK(json["gaps"].empty());
}

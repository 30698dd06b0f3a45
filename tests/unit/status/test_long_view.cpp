#include "status/long_view.h"
#include "store/history.h"
#include "support/bare_world.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <random>

#include <catch2/catch.hpp>

#include <unistd.h>

using namespace lectio;
using namespace lectio::status;
using namespace std::chrono_literals;

namespace {

LookForm form_of(Status status, bool timed = true) {
    LookForm form;
    form.check = "site";
    form.type = "http";
    form.status = form.shown = static_cast<int>(status);
    if (timed) {
        RecordedLook look;
        look.metrics = {{"time", "s", 0.5, {}, {}}};
        form.metrics = divide(look).form.metrics;
    }
    return form;
}

const LookForm k_good = form_of(Status::ok), k_broken = form_of(Status::critical),
               k_warned = form_of(Status::warning), k_unseen = form_of(Status::unknown, false);

PastRun run_at(WallTime time, const LookForm& form, double seconds = 0.1) {
    PastRun run;
    run.tool = "health";
    run.started.wall = time;
    run.looks = {{&form, {{}, {}, {seconds}}}};
    return run;
}

constexpr auto k_moscow = "Europe/Moscow";

} // namespace

TEST_CASE("a run counts for the day that the clock on the wall showed", "[status]") {
    const WallTime now = *parse_utc("2026-01-22T10:00:00Z");
    LongViewReader reader(now, k_moscow, 3, {});
    reader.take(run_at(*parse_utc("2026-01-19T20:59:59Z"), k_broken)); // before the first day
    reader.take(run_at(*parse_utc("2026-01-19T21:00:00Z"), k_good));   // midnight in Moscow
    reader.take(run_at(*parse_utc("2026-01-21T20:59:59Z"), k_broken));
    reader.take(run_at(*parse_utc("2026-01-21T21:00:00Z"), k_warned));
    reader.take(run_at(*parse_utc("2026-01-22T09:00:00Z"), k_unseen));
    reader.take(run_at(*parse_utc("2026-01-22T11:00:00Z"), k_broken)); // of a time to come
    const LongView view = reader.view();
    CHECK(view.dates == std::vector<std::string>{"2026-01-20", "2026-01-21", "2026-01-22"});
    REQUIRE(view.checks.contains("health/site"));
    CHECK(view.checks.at("health/site") == std::vector<DayCount>{{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 0, 1, 1}});
    CHECK(view.whole == view.checks.at("health/site"));
    CHECK(view.whole[1].availability() == 0.0);
    CHECK_FALSE(DayCount{}.availability());
}

TEST_CASE("answer times are those of what answered", "[status]") {
    const WallTime now = *parse_utc("2026-01-22T10:00:00Z");
    LongViewReader reader(now, "UTC", 1, {});
    for (int i = 1; i <= 100; ++i) {
        reader.take(run_at(now - 90min, k_good, i / 1000.0));
    }
    reader.take(run_at(now - 30min, k_broken, 10));
    reader.take(run_at(now - 25h, k_good, 20));
    const LongView view = reader.view();
    REQUIRE(view.times.contains("health/site"));
    const DayTimes& times = view.times.at("health/site");
    CHECK(times.hours[22].median == 0.050);
    CHECK(times.hours[22].p95 == 0.095);
    CHECK_FALSE(times.hours[22].broken);
    CHECK_FALSE(times.hours[23].median);
    CHECK(times.hours[23].broken);
    CHECK(times.p95 == 0.095);
}

TEST_CASE("days that are over are read once: with the cache of any earlier moment the same is seen",
          "[status]") {
    std::mt19937 random(7);
    const std::array<const LookForm*, 4> forms{&k_good, &k_broken, &k_warned, &k_unseen};
    const WallTime begin = *parse_utc("2026-03-20T00:00:00Z"); // a clock of Berlin is changed within
    std::vector<PastRun> runs;
    for (WallTime at = begin; at < begin + 24h * 20; at += std::chrono::minutes(20 + random() % 60)) {
        runs.push_back(run_at(at, *forms.at(random() % forms.size())));
    }
    const auto look = [&](WallTime now, const std::string& cache, int days) {
        auto reader = std::make_unique<LongViewReader>(now, "Europe/Berlin", days, cache);
        for (const PastRun& run : runs) {
            if (run.started.wall >= reader->wanted_from() && run.started.wall <= now) {
                reader->take(run);
            }
        }
        return reader;
    };
    std::string cache;
    WallTime now = begin + 36h;
    for (int i = 0; i < 60; ++i, now += std::chrono::minutes(random() % 900)) {
        const auto with = look(now, cache, 12), without = look(now, {}, 12);
        CHECK(with->view().whole == without->view().whole);
        CHECK(with->view().checks == without->view().checks);
        cache = with->cache();
        CHECK(cache == without->cache());
        CHECK(look(now, cache, 12)->wanted_from() >=
              now - 26h - 1h); // no more than a day and what may still come in
        CHECK(look(now, cache, 20)->view().whole == look(now, {}, 20)->view().whole); // more days than it has
        CHECK(look(now, cache, 5)->view().whole == look(now, {}, 5)->view().whole);
    }
}

TEST_CASE("a cache that is none is as good as nothing", "[status]") {
    const WallTime now = *parse_utc("2026-01-22T10:00:00Z");
    LongViewReader first(now, "UTC", 5, {});
    first.take(run_at(now - 50h, k_broken));
    const std::string good = first.cache();
    CHECK(LongViewReader(now, "UTC", 5, good).view().whole[2] == DayCount{1, 1, 0, 0});
    const auto is_nothing = [&](const std::string& cache, const std::string& zone = "UTC") {
        const LongViewReader reader(now, zone, 5, cache);
        return reader.view().checks.empty() && reader.wanted_from() <= now - 4 * 24h;
    };
    CHECK(is_nothing(""));
    CHECK(is_nothing("garbage"));
    CHECK(is_nothing("[]"));
    CHECK(is_nothing("{}"));
    CHECK(is_nothing(good, k_moscow));
    const auto with = [&](const std::string& part, const std::string& other) {
        const std::size_t at = good.find(part);
        REQUIRE(at != std::string::npos);
        return std::string(good).replace(at, part.size(), other);
    };
    CHECK(is_nothing(with("\"version\":1", "\"version\":2")));
    CHECK(is_nothing(with("[1,1,0,0]", "[1,2,0,0]"))); // does not add up
    CHECK(is_nothing(with("[1,1,0,0]", "[1,-1,0,0]")));
    CHECK(is_nothing(with("[1,1,0,0]", "[1,1,0]")));
    CHECK(is_nothing(with("[1,1,0,0]", "[1,1,0,99999999999999999999]")));
    CHECK(is_nothing(with("2026-01-20", "2026-01-29")));
    for (std::size_t size = 0; size < good.size(); size += 7) {
        CHECK(is_nothing(good.substr(0, size)));
    }
}

namespace {

class Record {
  public:
    Record() { std::filesystem::create_directories(m_folder / "run"); }

    void run(Duration ago, Status status, std::vector<RecordedEvent> events,
             std::vector<RecordedDeed> deeds = {}) {
        RecordedRun run;
        run.tool = "health";
        run.started = m_bare.clock.now();
        run.started.wall -= ago;
        RecordedLook look;
        look.check = "site";
        look.type = "http";
        look.status = look.shown = static_cast<int>(status);
        look.message = verbatim(status == Status::ok ? "HTTP 200" : "HTTP 502");
        run.looks = {look};
        run.events = std::move(events);
        run.deeds = std::move(deeds);
        REQUIRE_FALSE(History(m_bare.files, m_bare.clock, place(), {}).record(run).lost);
    }
    std::vector<PastIncident> incidents() {
        Result<PastRuns> runs =
            PastRuns::at(m_bare.files, m_bare.clock, place(), m_bare.clock.steady() + 10s);
        REQUIRE(runs.ok());
        const WallTime now = m_bare.clock.now().wall;
        Result<std::vector<PastIncident>> all = past_incidents(*runs, now - 30 * 24h, now);
        REQUIRE(all.ok());
        return *all;
    }

  private:
    [[nodiscard]] HistoryPlace place() const {
        return {m_folder.path(), m_folder / "run/history.lock", ::geteuid()};
    }
    BareWorld m_bare;
    TempFolder m_folder;
};

RecordedEvent event_of(const std::string& event, const std::string& id, Status status,
                       const std::string& message, RecordedEvent::Kind kind = RecordedEvent::Kind::change) {
    return {kind, event, "site", id, static_cast<int>(status), verbatim(message)};
}

} // namespace

TEST_CASE("incidents with what was done about them, the newest first", "[status]") {
    Record record;
    record.run(50h, Status::critical, {event_of("opened", "aaaaaa", Status::critical, "HTTP 502")},
               {{"web", "restart", "nginx.service", false, verbatim("timeout"), {}, 5s}});
    record.run(49h, Status::critical,
               {event_of("needs-person", "aaaaaa", Status::critical, "", RecordedEvent::Kind::told)});
    record.run(48h, Status::ok, {event_of("resolved", "aaaaaa", Status::ok, "HTTP 200")});
    record.run(5h, Status::critical,
               {event_of("opened", "bbbbbb", Status::ok, "HTTP 200"),
                event_of("resolved", "bbbbbb", Status::ok, "HTTP 200")},
               {{"web", "restart", "nginx.service", true, verbatim("active"), {"site"}, 1s}});
    record.run(1h, Status::warning, {event_of("opened", "cccccc", Status::warning, "slow")});
    record.run(30min, Status::critical, {event_of("risen", "cccccc", Status::critical, "HTTP 502")});
    const std::vector<PastIncident> all = record.incidents();
    REQUIRE(all.size() == 3);
    CHECK(all[0].id == "cccccc");
    CHECK_FALSE(all[0].end);
    CHECK(all[0].level == Status::critical);
    CHECK(all[1].id == "bbbbbb");
    CHECK(all[1].end == all[1].begin); // mended in the run that found it
    CHECK(all[1].message.en == "HTTP 502");
    CHECK(all[1].level == Status::critical);
    REQUIRE(all[1].done.size() == 1);
    CHECK(all[1].done[0].en == "restart on nginx.service: done (active)");
    CHECK(all[2].id == "aaaaaa");
    CHECK(*all[2].end - all[2].begin == 2h);
    CHECK(all[2].needs_person);
    REQUIRE(all[2].done.size() == 1);
    CHECK(all[2].done[0].en == "restart on nginx.service: failed (timeout)");
}

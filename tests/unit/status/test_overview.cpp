#include "status/overview.h"
#include "support/fake_clock.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::status;
using namespace std::chrono_literals;
using State = ToolRow::State;

namespace {

ToolRow tool_of(const ToolRecord& record, FakeClock& clock) {
    const std::optional<ToolRow> row = judge_tool("health", record, Work::some, 3min, clock.now());
    REQUIRE(row);
    return *row;
}

// One check that was looked at just now, by a tool that runs.
Overview good_overview() {
    Overview overview;
    overview.host = "lectio-1";
    overview.zone = "UTC";
    overview.now = FakeClock().now().wall;
    overview.tells = true;
    CheckRow row;
    row.tool = "health";
    row.name = "site";
    row.type = "http";
    row.status = Status::ok;
    row.message = verbatim("HTTP 200 in 5 ms");
    row.seen = overview.now - 34s;
    row.age = 34s;
    overview.checks.push_back(row);
    overview.tools.push_back({"health", State::good, row.seen, 34s, 3min, {}});
    overview.incidents = verbatim("nothing is broken");
    overview.quiet = verbatim("not muted");
    return overview;
}

OpenIncident incident_of(const std::string& check, Status level) {
    OpenIncident incident;
    incident.id = "abcdef";
    incident.check = check;
    incident.level = level;
    return incident;
}

std::string text_of(const Overview& overview, Lang lang = Lang::en) {
    return render_text(overview, lang, Paint::no);
}

} // namespace

TEST_CASE("a tool that has run lately is good, by the clock of the machine", "[status]") {
    FakeClock clock;
    ToolRecord record;
    record.finished = clock.now();
    clock.advance(2min);
    CHECK(tool_of(record, clock).state == State::good);
    clock.jump_wall(-24h); // somebody sets the clock: it has run two minutes ago all the same
    CHECK(tool_of(record, clock).state == State::good);
    clock.jump_wall(48h);
    CHECK(tool_of(record, clock).state == State::good);
    clock.advance(2min);
    CHECK(tool_of(record, clock).state == State::late);
    CHECK(tool_of(record, clock).status() == Status::warning);
    CHECK(tool_of(record, clock).trouble.en ==
          "lectio-health last finished a run 4 minutes ago, at most 3 minutes expected");
}

TEST_CASE("a record of a time to come is not taken for a fresh one", "[status]") {
    FakeClock clock;
    ToolRecord record;
    record.finished = clock.now();
    clock.reboot(1min);
    clock.jump_wall(-2h);
    const ToolRow row = tool_of(record, clock);
    CHECK(row.state == State::future);
    CHECK(row.status() == Status::warning);
}

TEST_CASE("a tool that finished over a year ago, before a restart, is late", "[status]") {
    FakeClock clock;
    ToolRecord record;
    record.finished = clock.now();
    clock.reboot(1min);
    clock.jump_wall(24h * 400);
    CHECK(tool_of(record, clock).state == State::late);
}

TEST_CASE("a record that is damaged, lost, or may not be read is said, whatever it says", "[status]") {
    FakeClock clock;
    ToolRecord record;
    record.finished = clock.now();
    record.trouble = verbatim("cut");
    CHECK(tool_of(record, clock).state == State::damaged);
    record.denied = true;
    CHECK(tool_of(record, clock).state == State::unreadable);
    CHECK(tool_of(record, clock).status() == Status::unknown);
    ToolRecord lost;
    lost.lost = true;
    CHECK(tool_of(lost, clock).state == State::damaged);
}

TEST_CASE("a tool that never ran is missed only where it has work", "[status]") {
    FakeClock clock;
    CHECK(tool_of({}, clock).state == State::never);
    CHECK(tool_of({}, clock).status() == Status::unknown);
    CHECK_FALSE(judge_tool("smoke", {}, Work::none, 15min, clock.now()));
}

TEST_CASE("a job is what its record says, and one that was cut off is said", "[status]") {
    FakeClock clock;
    using Job = JobRow::State;
    const Now then = clock.now();
    clock.advance(1h);
    const auto judged = [&](const heartbeat::JobRecord& record, bool alive = false) {
        return judge_job("media", record, alive, clock.now());
    };
    heartbeat::JobRecord record;
    CHECK(judged(record).state == Job::never);
    CHECK(judged(record).status() == Status::skipped);
    record.end = {then, 3s, 0, verbatim("ended well after 3 s")};
    CHECK(judged(record).state == Job::good);
    CHECK(judged(record).age == 1h);
    record.end->status = 3;
    CHECK(judged(record).state == Job::failed);
    CHECK(judged(record).status() == Status::warning);
    record.run = {then, 42};
    CHECK(judged(record, true).state == Job::running);
    CHECK(judged(record, true).status() == Status::ok);
    CHECK(judged(record, true).detail.en == "runs for 1 hour");
    CHECK(judged(record).state == Job::died);
    CHECK(judged(record).detail.en ==
          "job media was cut off: it began 1 hour ago, and nothing tells how it ended");
    record.trouble = verbatim("cut");
    CHECK(judged(record).state == Job::damaged);
    record.denied = true;
    CHECK(judged(record).status() == Status::unknown);

    Overview overview = good_overview();
    overview.jobs = {judged({})};
    CHECK(overview.status() == Status::ok);
    overview.jobs.push_back(judged({heartbeat::JobRecord::Run{then, 42}, {}}));
    CHECK(overview.status() == Status::warning);
    REQUIRE(overview.troubles().size() == 1);
    overview.jobs.pop_back();
    overview.jobs.push_back(judged({{}, heartbeat::JobRecord::End{then, 3s, 3, verbatim("failed")}}));
    CHECK(overview.status() == Status::warning);
    CHECK(overview.troubles().empty()); // its incident says it
    CHECK(text_of(overview).find(
              "Jobs:\n  -     media: has not run here yet\n  WARN  media: 1 hour ago, failed\n") !=
          std::string::npos);
    const std::string metrics = render_prometheus(overview);
    CHECK(metrics.find("lectio_job_good{job=\"media\"} 0\n") != std::string::npos);
    CHECK(json_of(overview, Lang::en)["jobs"][1]["exit_status"] == 3);
}

TEST_CASE("all is good only where all that was looked at is, and somebody looked", "[status]") {
    CHECK(Overview().status() == Status::unknown);
    Overview overview = good_overview();
    CHECK(overview.status() == Status::ok);
    SECTION("a check that is good and stale is unknown") {
        overview.checks[0].stale = true;
        CHECK(overview.status() == Status::unknown);
    }
    SECTION("a check that is broken stays broken when it is stale") {
        overview.checks[0].stale = true;
        overview.checks[0].status = Status::critical;
        CHECK(overview.status() == Status::critical);
    }
    SECTION("what is for information does not count") {
        overview.checks[0].severity = Severity::info;
        overview.checks[0].status = Status::warning;
        CHECK(overview.status() == Status::ok);
    }
    SECTION("an incident of a script counts; that of a check that is shown says nothing more than it") {
        overview.standing.incidents = {incident_of("health/site", Status::critical)};
        CHECK(overview.status() == Status::ok); // good just now
        overview.standing.incidents.push_back(incident_of("health/key-nightly", Status::warning));
        CHECK(overview.status() == Status::warning);
    }
    SECTION("a tool that does not run") {
        overview.tools.push_back({"smoke", State::late, overview.now - 1h, 1h, 15min, verbatim("late")});
        CHECK(overview.status() == Status::warning);
    }
    SECTION("a part that may not be read") {
        overview.gaps = {{Status::unknown, verbatim("denied")}};
        CHECK(overview.status() == Status::unknown);
    }
    SECTION("messages that do not get through") {
        overview.standing.waiting = 1;
        overview.standing.oldest = 9min;
        CHECK(overview.status() == Status::ok);
        overview.standing.oldest = 10min;
        CHECK(overview.status() == Status::warning);
    }
    SECTION("a message that was refused, a channel that is of no use") {
        overview.standing.channels = {{"errors", false, verbatim("HTTP 401")}};
        CHECK(overview.status() == Status::warning);
        overview.tells = false;
        CHECK(overview.status() == Status::ok);
        overview.standing.rejected = 1;
        CHECK(overview.status() == Status::warning);
    }
    SECTION("a deploy that has died, and one that waits for a person until the next") {
        overview.deploys = {{"fe-2", "release", "anna", "released", "", overview.now, false, false},
                            {"fe-1", "release", "anna", "needs_human", "", overview.now - 1h, false, true}};
        CHECK(overview.status() == Status::ok);
        overview.deploys.erase(overview.deploys.begin());
        CHECK(overview.status() == Status::warning);
        overview.deploys[0].needs_human = false;
        overview.deploys[0].died = true;
        CHECK(overview.status() == Status::warning);
    }
    SECTION("a backup that was never proven") {
        overview.backups = {{"database", {}, {}, {}, verbatim("never"), Status::critical}};
        CHECK(overview.status() == Status::critical);
    }
}

TEST_CASE("one screen", "[status]") {
    Overview overview = good_overview();
    CHECK(text_of(overview) == "lectio-1 · 2026-01-22 10:00:00 · all good (1 check)\n"
                               "not muted\n"
                               "lectio-health: last run 34 seconds ago\n"
                               "  ok    site      ························    34 s  HTTP 200 in 5 ms\n"
                               "nothing is broken\n");
    overview.gaps = {{Status::warning, verbatim("the journal of deploy fe-1 is damaged")}};
    overview.checks[0].stale = true;
    overview.recoveries = {{overview.now, "health/site", verbatim("over: HTTP 200"), true}};
    overview.deploys = {{"fe-1", "release", "anna", "released", "", overview.now, false, false},
                        {"fe-0", "release", "anna", "", "", overview.now, true, false}};
    overview.backups = {{"database", overview.now, 7200s, 3_MB, {}, Status::ok}};
    CHECK(text_of(overview) == "lectio-1 · 2026-01-22 10:00:00 · warning (1 check)\n"
                               "  WARN  the journal of deploy fe-1 is damaged\n"
                               "  WARN  deploy fe-0 is not finished and has died: lectio-deploy recover\n"
                               "not muted\n"
                               "lectio-health: last run 34 seconds ago\n"
                               "  ??    site      ························    34 s  HTTP 200 in 5 ms (not "
                               "known to be so any more: 34 "
                               "seconds old)\n"
                               "nothing is broken\n"
                               "Last recoveries:\n"
                               "  2026-01-22 10:00:00  health/site  over: HTTP 200\n"
                               "Last deploys:\n"
                               "  2026-01-22 10:00:00  fe-1  released  anna\n"
                               "  2026-01-22 10:00:00  fe-0  not finished  anna\n"
                               "Backups:\n"
                               "  ok    database: proven 2 hours ago, 3 MB\n");
}

TEST_CASE("text from outside reaches the terminal without its control characters", "[status]") {
    Overview overview = good_overview();
    overview.host = "a\x1B[31mb";
    overview.checks[0].name = "si\x1B[2Jte";
    overview.checks[0].message = verbatim("\x1B]0;title\x07\r\nline");
    overview.deploys = {{"fe-1", "release", "an\x1B[0mna", "", "bad\n\x9B", overview.now, false, false}};
    for (const Lang lang : {Lang::en, Lang::ru}) {
        const std::string text = text_of(overview, lang);
        for (const char c : text) {
            CHECK((c == '\n' || static_cast<unsigned char>(c) >= 0x20));
        }
    }
}

TEST_CASE("the same for programs", "[status]") {
    Overview overview = good_overview();
    overview.checks[0].metrics = {{"time", "s", 0.005, 5.0, std::nullopt}};
    const nlohmann::json json = json_of(overview, Lang::en);
    CHECK(json["status"] == "ok");
    const nlohmann::json& check = json["checks"][0];
    CHECK(check["name"] == "site");
    CHECK(check["age_s"] == 34.0);
    CHECK(check["seen"] == "2026-01-22T09:59:26Z");
    CHECK(check["day"].size() == k_hours);
    CHECK(check["metrics"][0] ==
          nlohmann::json(
              {{"name", "time"}, {"value", 0.005}, {"unit", "s"}, {"warn", 5.0}, {"crit", nullptr}}));
    CHECK(json["tools"][0]["state"] == "good");
    CHECK(json["incidents"].empty());
    CHECK(json.contains("channels"));
    overview.tells = false;
    CHECK_FALSE(json_of(overview, Lang::en).contains("channels"));
}

TEST_CASE("the same for Prometheus", "[status]") {
    Overview overview = good_overview();
    overview.checks[0].name = "a\"b\\c\nd";
    overview.checks[0].metrics = {{"time", "s", 0.5, {}, {}}, {"time", "s", 0.7, {}, {}}};
    overview.checks.push_back({}); // not looked at yet: absent
    overview.checks.back().name = "new";
    overview.standing.incidents = {incident_of("health/key-nightly", Status::warning)};
    overview.standing.quiet = {{Quiet::mute, {}, {}, {}, {}}};
    overview.backups = {{"database", overview.now, 7200s, 3_MB, {}, Status::ok},
                        {"media", {}, {}, {}, verbatim("never"), Status::critical}};
    const std::string text = render_prometheus(overview);
    const auto has = [&](std::string_view line) {
        CAPTURE(line, text);
        CHECK(text.find(line) != std::string::npos);
    };
    has("# TYPE lectio_status gauge\nlectio_status 2\n");
    has("lectio_check_status{tool=\"health\",check=\"a\\\"b\\\\c\\nd\"} 0\n");
    has("lectio_check_value{tool=\"health\",check=\"a\\\"b\\\\c\\nd\",metric=\"time\"} 0.5\n");
    has("lectio_check_seen_timestamp_seconds{tool=\"health\",check=\"a\\\"b\\\\c\\nd\"} 1769075966.000\n");
    has("lectio_incident_open{tool=\"health\",check=\"key-nightly\"} 1\n");
    has("lectio_tool_good{tool=\"health\"} 1\n");
    has("lectio_last_run_timestamp_seconds{tool=\"health\"} 1769075966.000\n");
    has("lectio_quiet{reason=\"mute\"} 1\n");
    has("lectio_quiet{reason=\"deploy\"} 0\n");
    has("lectio_backup_status{source=\"media\"} 2\n");
    has("lectio_backup_proven_timestamp_seconds{source=\"database\"} 1769076000.000\n");
    CHECK(text.find("0.7") == std::string::npos); // one line of one name
    CHECK(text.find("\"new\"") == std::string::npos);
    overview.checks[0].stale = true;
    const std::string stale = render_prometheus(overview);
    CHECK(stale.find("lectio_check_value{") == std::string::npos);
    CHECK(stale.find("lectio_check_stale{tool=\"health\",check=\"a\\\"b\\\\c\\nd\"} 1\n") !=
          std::string::npos);
}

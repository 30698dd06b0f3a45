#include "checks/shared_words.h"
#include "report/report.h"
#include "util/secret.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace lectio;

namespace {

WallTime ten_oclock() {
    return parse_utc("2026-01-22T10:00:00Z").value();
}

CheckReport check(std::string name, Status status, std::string message) {
    CheckReport report;
    report.name = std::move(name);
    report.type = "http";
    report.result.status = status;
    report.result.message = verbatim(message);
    report.duration = std::chrono::microseconds{3100};
    return report;
}

Report broken_site() {
    Report report;
    report.tool = "lectio-health";
    report.host = "lectio-1";
    report.time = ten_oclock();
    report.duration = std::chrono::microseconds{12300};
    report.status = Status::critical;
    report.exit_code = 2;
    report.checks = {check("disk", Status::ok, "42% free"),
                     check("site", Status::critical, "connection refused"),
                     check("nginx", Status::critical, "inactive")};
    report.checks[1].symptom_of = "nginx";
    report.checks[2].incident = "abc234";
    report.checks[2].result.hint = verbatim("systemctl status nginx");
    report.checks[0].result.metrics = {{"free", 42, "%", 15, 5}};
    report.incidents = {{"abc234", "nginx", Status::critical, IncidentReport::State::open, ten_oclock()}};
    report.alerts = {1, 1, 0, 0, {}};
    return report;
}

} // namespace

TEST_CASE("the text report shows causes before consequences and good news last") {
    const std::string text = render_text(broken_site(), Lang::en, "UTC", Detail::normal, Paint::no);
    CHECK(text == "lectio-1 · lectio-health · 2026-01-22 10:00:00 · broken (3 checks, 12 ms)\n"
                  "  CRIT  nginx     inactive\n"
                  "                  → systemctl status nginx\n"
                  "  CRIT  site      connection refused (a consequence of nginx)\n"
                  "  ok    disk      42% free\n"
                  "  nginx: incident abc234 since 2026-01-22 10:00:00\n"
                  "Alerts: 1 sent, 0 waiting\n");
}

TEST_CASE("the text report exists in Russian") {
    Report report = broken_site();
    report.recovery = {
        {"nginx", "restart", "nginx.service", true, verbatim("0.4 s"), {"nginx", "site"}, Duration{400}}};
    const std::string text = render_text(report, Lang::ru, "UTC", Detail::normal, Paint::no);
    CHECK(text.find("сломано (3 проверки, 12 ms)") != std::string::npos);
    CHECK(text.find("restart для nginx.service: сделано (0.4 s); снова работает: nginx, site") !=
          std::string::npos);
}

TEST_CASE("outside text cannot drive the reader's terminal") {
    Report report = broken_site();
    report.checks[1].result.message = verbatim("\x1B]0;owned\x07 bad\nline");
    const std::string text = render_text(report, Lang::en, "UTC", Detail::normal, Paint::no);
    CHECK(text.find('\x1B') == std::string::npos);
    CHECK(text.find("?]0;owned? bad line") != std::string::npos);
}

TEST_CASE("the JSON report is the object of the design") {
    const auto json = nlohmann::json::parse(render_json(broken_site(), Lang::en));
    CHECK(json["tool"] == "lectio-health");
    CHECK(json["time"] == "2026-01-22T10:00:00Z");
    CHECK(json["status"] == "critical");
    CHECK(json["exit_code"] == 2);
    CHECK(json["checks"][1]["symptom_of"] == "nginx");
    CHECK(json["checks"][0]["symptom_of"].is_null());
    CHECK(json["checks"][2]["incident"] == "abc234");
    CHECK(json["checks"][0]["metrics"][0]["crit"] == 5);
    CHECK(json["checks"][0]["duration_ms"] == Approx(3.1));
    CHECK(json["incidents"][0]["state"] == "open");
    CHECK(json["alerts"]["sent"] == 1);
    CHECK_FALSE(json.contains("reason"));
}

TEST_CASE("JSON survives invalid UTF-8 and masks secrets") {
    remember_secret("s3cr3t-token");
    Report report = broken_site();
    report.checks[1].result.message = verbatim("got \xFF from s3cr3t-token");
    const auto json = nlohmann::json::parse(render_json(report, Lang::en));
    CHECK(json["checks"][1]["message"] == "got \xEF\xBF\xBD from ***");
}

TEST_CASE("the Nagios line names root causes and carries the figures") {
    CHECK(render_nagios(broken_site(), Lang::en) ==
          "LECTIO CRITICAL - nginx: inactive; 1 of 3 checks ok | 'disk_free'=42%;15;5\n");
    Report piped = broken_site();
    piped.checks[2].result.message = verbatim("a|b");
    CHECK(render_nagios(piped, Lang::en).find("a/b") != std::string::npos);
}

TEST_CASE("an open incident of a check that is good says why it is open") {
    Report report = broken_site();
    report.incidents[0].check = "disk";
    CHECK(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)
              .find("disk: incident abc234 since 2026-01-22 10:00:00; good just now, closed when it stays "
                    "so\n") != std::string::npos);
    report.incidents[0].flapping = true;
    CHECK(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no).find("; good and bad by turns") !=
          std::string::npos);
}

TEST_CASE("what waits stands with the reason why") {
    Report report = broken_site();
    report.alerts = {1, 0, 1, 0, verbatim("errors: HTTP 502")};
    CHECK(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)
              .ends_with("Alerts: 0 sent, 1 waiting (errors: HTTP 502)\n"));
    CHECK(nlohmann::json::parse(render_json(report, Lang::en))["alerts"]["why_waiting"] ==
          "errors: HTTP 502");
}

TEST_CASE("what is wrong with the configuration is said once") {
    Report report = broken_site();
    report.reason = verbatim("the configuration is wrong");
    const auto times = [&](const std::string& text) {
        int count = 0;
        for (std::size_t at = text.find(report.reason.en); at != std::string::npos;
             at = text.find(report.reason.en, at + 1)) {
            ++count;
        }
        return count;
    };
    CHECK(times(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)) == 1);
    CHECK(times(render_nagios(report, Lang::en)) == 1);
    report.checks.push_back(check("config", Status::warning, report.reason.en));
    CHECK(times(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)) == 1);
    CHECK(times(render_nagios(report, Lang::en)) == 1);
    for (const std::string around :
         {"{}; config.env can be read by others", "config.env can be read by others; {}",
          "config.env can be read; {}; by others"}) {
        report.checks.back().result.message = verbatim(fmt::format(fmt::runtime(around), report.reason.en));
        CHECK(times(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)) == 1);
        const std::string line = render_nagios(report, Lang::en);
        CHECK(times(line) == 1);
        CHECK(line.find("config: config.env can be read") != std::string::npos);
        CHECK(line.find("; ;") == std::string::npos);
    }
}

TEST_CASE("what was not done stands in the headline, what had nothing to clean up does not") {
    Report report = broken_site();
    report.status = Status::ok;
    for (CheckReport& check : report.checks) {
        check.result.status = Status::ok;
    }
    const auto has = [&](const char* words) {
        return render_text(report, Lang::ru, "UTC", Detail::normal, Paint::no).find(words) !=
               std::string::npos;
    };
    CHECK(has("всё в порядке (3 проверки"));
    report.checks[1].result.status = Status::skipped;
    CHECK(has("всё в порядке, не проверено: 1 (3 проверки"));
    report.checks[1].result.message = say(k_nothing_made);
    CHECK(has("всё в порядке (3 проверки"));
}

TEST_CASE("nothing is called good where nothing was looked at") {
    Report report = broken_site();
    report.status = Status::ok;
    report.checks.resize(1);
    const auto headline = [&] {
        const std::string text = render_text(report, Lang::en, "UTC", Detail::normal, Paint::no);
        return text.substr(0, text.find(" ("));
    };
    CHECK(headline().ends_with("all good"));
    report.checks[0].result.status = Status::skipped;
    CHECK(headline().ends_with("nothing was checked"));
    report.checks.clear();
    CHECK(headline().ends_with("nothing was checked"));
    report.status = Status::warning;
    CHECK(headline().ends_with("warning"));
}

TEST_CASE("Nagios is told UNKNOWN where nothing was looked at") {
    Report report = broken_site();
    report.checks.resize(1);
    report.checks[0].result.metrics.clear();
    report.checks[0].result.status = Status::skipped;
    for (const Status status : {Status::ok, Status::skipped}) {
        report.status = status;
        CHECK(render_nagios(report, Lang::en) ==
              "LECTIO UNKNOWN - nothing was checked; 0 of 1 checks ok |\n");
        CHECK(nagios_status(report) == Status::unknown);
    }
    report.status = Status::skipped; // of checks that are for information only
    report.checks[0].result.status = Status::ok;
    CHECK(render_nagios(report, Lang::en) == "LECTIO OK - 1 of 1 checks ok |\n");
    report.status = Status::critical;
    CHECK(nagios_status(report) == Status::critical);
}

TEST_CASE("quiet is said in every form: silence must not look like health") {
    Report report = broken_site();
    report.quiet = {verbatim("maintenance until noon")};
    CHECK(render_text(report, Lang::en, "UTC", Detail::normal, Paint::no)
              .find("\n· maintenance until noon\n") != std::string::npos);
    CHECK(nlohmann::json::parse(render_json(report, Lang::en))["notes"][0] == "maintenance until noon");
    CHECK(render_nagios(report, Lang::en)
              .starts_with("LECTIO CRITICAL - nginx: inactive; maintenance until noon; 1 of 3 checks ok"));
}

TEST_CASE("performance data holds plain numbers, ranges that say which side is bad, and known units only") {
    Report report = broken_site();
    report.checks.resize(1);
    report.checks[0].result.metrics = {
        {"free", 73'906'700'000.0, "B", 40'500'000'000.0, {}, Metric::Bad::below},
        {"days", 0.25, "d", {}, 7, Metric::Bad::below},
        {"workers", 5, "", 8, 2, Metric::Bad::outside},
        {"time", 0.003, "s", 5, {}},
    };
    const std::string line = render_nagios(report, Lang::en);
    const std::string name = report.checks[0].name;
    CHECK(line.substr(line.find('|')) == "| '" + name + "_free'=73906700000B;40500000000:; '" + name +
                                             "_days'=0.25;;7: '" + name + "_workers'=5;8;2: '" + name +
                                             "_time'=0.003s;5;\n");
}

TEST_CASE("people read sizes and times in their own units") {
    Report report = broken_site();
    report.checks.resize(1);
    report.checks[0].result.metrics = {{"free", 73'906'700'000.0, "B", {}, {}},
                                       {"age", 7200, "s", {}, {}},
                                       {"time", 0.003, "s", {}, {}},
                                       {"count", 12'345'678, "", {}, {}}};
    const std::string text = render_text(report, Lang::en, "UTC", Detail::verbose, Paint::no);
    for (const char* wanted : {"free = 68.8 GB", "age = 2 h", "time = 0.003s", "count = 12345678"}) {
        CHECK_THAT(text, Catch::Contains(wanted));
    }
}

TEST_CASE("a run without a report still says why in JSON") {
    const auto json =
        nlohmann::json::parse(render_json_reason("lectio-health", "h", ten_oclock(), 75, "held by cron"));
    CHECK(json["exit_code"] == 75);
    CHECK(json["reason"] == "held by cron");
}

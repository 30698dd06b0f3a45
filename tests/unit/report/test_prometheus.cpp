#include "report/prometheus.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace lectio;

namespace {

CheckReport check(std::string name, Status status, std::vector<Metric> metrics = {}) {
    CheckReport report;
    report.name = std::move(name);
    report.type = "http";
    report.result.status = status;
    report.result.metrics = std::move(metrics);
    report.duration = std::chrono::microseconds{3100};
    return report;
}

Report report_of(std::vector<CheckReport> checks) {
    Report report;
    report.tool = "lectio-health";
    report.time = parse_utc("2026-01-22T10:00:00Z").value();
    report.checks = std::move(checks);
    return report;
}

std::string prometheus(std::vector<CheckReport> checks) {
    return render_prometheus(report_of(std::move(checks)));
}

std::size_t lines_with(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

} // namespace

TEST_CASE("the metrics of a run, word for word") {
    CheckReport site = check("site", Status::critical, {{"time", 0.25, "s", 5, {}}});
    site.incident = "abc234";
    CHECK(prometheus({site, check("disk", Status::ok), check("cron", Status::skipped)}) ==
          "# HELP lectio_check_status Status of a check: 0 ok, 1 warning, 2 critical, 3 unknown.\n"
          "# TYPE lectio_check_status gauge\n"
          "lectio_check_status{tool=\"health\",check=\"site\"} 2\n"
          "lectio_check_status{tool=\"health\",check=\"disk\"} 0\n"
          "# HELP lectio_check_duration_seconds How long the look at a check took.\n"
          "# TYPE lectio_check_duration_seconds gauge\n"
          "lectio_check_duration_seconds{tool=\"health\",check=\"site\"} 0.0031\n"
          "lectio_check_duration_seconds{tool=\"health\",check=\"disk\"} 0.0031\n"
          "# HELP lectio_check_value A figure that a check has measured, in base units.\n"
          "# TYPE lectio_check_value gauge\n"
          "lectio_check_value{tool=\"health\",check=\"site\",metric=\"time\"} 0.25\n"
          "# HELP lectio_incident_open Whether an incident of a check is open.\n"
          "# TYPE lectio_incident_open gauge\n"
          "lectio_incident_open{tool=\"health\",check=\"site\"} 1\n"
          "lectio_incident_open{tool=\"health\",check=\"disk\"} 0\n"
          "# HELP lectio_last_run_timestamp_seconds When the last whole run of a tool began.\n"
          "# TYPE lectio_last_run_timestamp_seconds gauge\n"
          "lectio_last_run_timestamp_seconds{tool=\"health\"} 1769076000.000\n");
}

TEST_CASE("labels are escaped as the format asks: backslash, quote, line end; nothing else") {
    const std::string text = prometheus({check("plugin", Status::ok, {{"a\"b\\c\nd{}=é", 1, "", {}, {}}})});
    CHECK(text.find("metric=\"a\\\"b\\\\c\\nd{}=é\"} 1\n") != std::string::npos);
}

TEST_CASE("values that are no numbers have their words, large and small ones their digits") {
    const double infinite = std::numeric_limits<double>::infinity();
    const std::string text = prometheus({check("p", Status::ok,
                                               {{"nan", std::nan(""), "", {}, {}},
                                                {"up", infinite, "", {}, {}},
                                                {"down", -infinite, "", {}, {}},
                                                {"large", 21474836480.0, "B", {}, {}},
                                                {"small", 1.5e-9, "s", {}, {}}})});
    for (const char* line : {"\"nan\"} NaN\n", "\"up\"} +Inf\n", "\"down\"} -Inf\n",
                             "\"large\"} 21474836480\n", "\"small\"} 1.5e-09\n"}) {
        CHECK(text.find(line) != std::string::npos);
    }
}

TEST_CASE("a series is there once, whatever shares its name: the worst") {
    const std::string text = prometheus(
        {check("state", Status::warning), check("state", Status::critical), check("state", Status::warning),
         check("p", Status::ok, {{"a", 1, "", {}, {}}, {"a", 2, "", {}, {}}})});
    CHECK(lines_with(text, "lectio_check_status{tool=\"health\",check=\"state\"}") == 1);
    CHECK(text.find("lectio_check_status{tool=\"health\",check=\"state\"} 2\n") != std::string::npos);
    CHECK(lines_with(text, "metric=\"a\"") == 1);
}

TEST_CASE("each tool has a file of its own beside that of health") {
    const Path configured = "/var/lib/node/lectio.prom";
    CHECK(metrics_file(configured, "health") == configured);
    CHECK(metrics_file(configured, "smoke") == "/var/lib/node/lectio-smoke.prom");
    CHECK(metrics_file("", "smoke").empty());
}

TEST_CASE("the file is readable by everybody and replaced whole; what a killed run has left is swept") {
    TempFolder folder;
    SystemFiles files;
    const Path file = folder / "lectio.prom";
    spill(folder / ".tmp-lectio.prom-1-1", "half");
    spill(folder / ".tmp-other.prom-1-1", "of another");
    REQUIRE(write_metrics(files, file, "a 1\n"));
    REQUIRE(write_metrics(files, file, "a 2\n"));
    CHECK(slurp(file) == "a 2\n");
    CHECK((files.info(file, Files::Follow::no)->mode & 0777U) == 0644);
    CHECK(files.list(folder.path()).value() ==
          std::vector<std::string>{".tmp-other.prom-1-1", "lectio.prom"});
}

TEST_CASE("whatever call fails, the old metrics are there whole or the new ones are") {
    for (std::size_t call = 1;; ++call) {
        TempFolder folder;
        FaultyFiles files(folder.path());
        const Path file = folder / "lectio.prom";
        spill(file, "old\n");
        files.fail_from(call, ENOSPC);
        const Result<void> written = write_metrics(files, file, "new\n");
        const bool got_through = files.calls() < call;
        const std::string text = slurp(file);
        CHECK((text == "old\n" || text == "new\n"));
        if (got_through) {
            CHECK(written);
            CHECK(text == "new\n");
            break;
        }
    }
}

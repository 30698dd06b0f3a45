#include "report/log.h"
#include "support/temp_folder.h"
#include "util/secret.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {
const WallTime k_time = parse_utc("2026-01-22T10:00:00Z").value();
}

TEST_CASE("log lines have the old suite's format") {
    TempFolder folder;
    SystemFiles files;
    Log log(files, folder / "health.log", "lectio-health", LogFormat::text, LogLevel::info, "UTC");
    log.add(k_time, LogLevel::debug, "not wanted");
    log.add(k_time, LogLevel::success, "mended");
    log.add_alert(k_time, "critical", "site down");
    REQUIRE(log.flush().ok());
    CHECK(slurp(folder / "health.log") ==
          "[2026-01-22 10:00:00] [SUCCESS] mended\n2026-01-22 10:00:00 [critical] site down\n");
}

TEST_CASE("one event is one line, and no secret is in it") {
    TempFolder folder;
    SystemFiles files;
    remember_secret("hunter2-hunter2");
    Log log(files, folder / "x.log", "lectio-health", LogFormat::json, LogLevel::info, "UTC");
    log.add(k_time, LogLevel::warn, "two\nlines with hunter2-hunter2");
    REQUIRE(log.flush().ok());
    CHECK(slurp(folder / "x.log") ==
          R"({"time":"2026-01-22T10:00:00Z","level":"warn","tool":"lectio-health",)"
          R"("message":"two lines with ***"})"
          "\n");
}

TEST_CASE("a log that cannot be written says so and stops nothing") {
    SystemFiles files;
    Log log(files, "/nonexistent/x.log", "lectio-health", LogFormat::text, LogLevel::info, "UTC");
    CHECK(log.flush().ok());
    log.add(k_time, LogLevel::info, "x");
    CHECK(log.flush().error().kind == ErrorKind::not_found);
}

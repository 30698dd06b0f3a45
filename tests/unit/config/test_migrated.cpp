// The bash suite's config.env, written down as ours.
#include "config/migrated.h"
#include "config/parse.h"
#include "config/sections.h"
#include "stand_in_types.h"
#include "util/secret.h"

#include <random>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

const Path k_env_file = "/opt/lectio-monitor/config.env";

bool everything_is_there(const Path&) {
    return true;
}
bool nothing_is_there(const Path&) {
    return false;
}

MigratedConfig migrated(std::string_view text, const Discovered& found = {},
                        const std::function<bool(const Path&)>& is_there = nothing_is_there) {
    return migrated_config(text, k_env_file, found, {Lang::en, "2026-11-23"}, is_there);
}

Config read(const std::string& toml) {
    Problems problems;
    std::optional<Node> root = parse_toml(toml, problems);
    INFO(toml);
    REQUIRE(root);
    expand_references(
        *root, [](const std::string&) { return std::optional<std::string>(); }, problems);
    Config config = read_config(*root, test::stand_in_kinds(), problems);
    for (const Problem& problem : problems.all()) {
        UNSCOPED_INFO(problem.message.en);
    }
    REQUIRE_FALSE(problems.has_errors());
    return config;
}

std::string all(const std::vector<Text>& notes) {
    std::string text;
    for (const Text& note : notes) {
        text += note.en + "\n";
    }
    return text;
}

FoundCheck found_check(const std::string& name, const std::string& about, const std::string& type,
                       const std::string& key, const std::string& value,
                       std::vector<std::string> needs = {}) {
    FoundCheck check;
    check.name = name;
    check.about = about;
    check.type = type;
    check.keys = {{key, toml_text(value)}};
    check.needs = std::move(needs);
    check.why = verbatim("seen");
    return check;
}

} // namespace

TEST_CASE("migrated: what config.env says stands in the configuration, and no secret does") {
    const MigratedConfig made = migrated(
        "# the monitor\nexport SITE_URL='https://site.example/'\nPROJECT_ROOT=\"/srv/app\" # here\n"
        "FRONTEND_BUILD=\"${PROJECT_ROOT}/frontend/build\"\nERRORS_BOT_TOKEN=\"4711:made-up\\$errors\"\n"
        "ERRORS_CHAT_ID=-100123;MAX_RESPONSE_TIME=7\nHEARTBEAT_URL=https://hc.example/made-up-key\n"
        "SMOKE_TEACHER_PASSWORD='made up \"teacher\"'\nMEMORY_WARN_MB=400\nMEMORY_CRITICAL_MB=150\n"
        "SWAP_USED_WARN_MB=512\n",
        {}, everything_is_there);
    CHECK(made.notes.empty());
    for (const char* secret : {"4711", "made-up", "made up", "hc.example"}) {
        CHECK(made.toml.find(secret) == std::string::npos);
    }
    const Config config = read(made.toml);
    CHECK(config.paths.env_file == k_env_file);
    CHECK(config.health.checks.size() == 7);
    CHECK(config.channels.size() == 1);
    CHECK(config.smoke.steps.size() == 11);
    CHECK(config.deploy.frontend->path == "/srv/app/frontend/build");
    CHECK(config.deploy.backend->path == "/srv/app");
    CHECK(config.backup.sources.size() == 1);
    CHECK(config.cleanup.releases);
    CHECK_THAT(made.toml, Catch::Contains("available = { warn = \"400MB\", critical = \"150MB\" }") &&
                              Catch::Contains("swap_used = { warn = \"512MB\" }") &&
                              Catch::Contains("max_time = \"7s\""));
}

TEST_CASE("migrated: what is not understood is named, and nothing is guessed") {
    const MigratedConfig made = migrated(
        "SITE_URL=https://site.example\nsource /etc/default/lectio\nLOG_DIR=$(dirname $0)/logs\n"
        "PROJECT_ROOT=$BASE/app\nMAX_RESPONSE_TIME=soon\nOOM_LOOKBACK_MINUTES=15\nif [ -e /x ]; then\n");
    const std::string notes = all(made.notes);
    CHECK_THAT(notes, Catch::Contains("config.env:2: not an assignment"));
    CHECK_THAT(notes, Catch::Contains("config.env:3: LOG_DIR: commands are not run"));
    CHECK_THAT(notes, Catch::Contains("config.env:7: not an assignment"));
    CHECK_THAT(notes, Catch::Contains("refers to BASE"));
    CHECK_THAT(notes, Catch::Contains("MAX_RESPONSE_TIME in /opt/lectio-monitor/config.env does not fit"));
    CHECK_THAT(notes, Catch::Contains("reads OOM_LOOKBACK_MINUTES"));
    CHECK_THAT(made.toml, Catch::Contains("# nothing of this suite reads OOM_LOOKBACK_MINUTES"));
    read(made.toml);
}

TEST_CASE("migrated: a folder of the system is no site") {
    const MigratedConfig made =
        migrated("SITE_URL=https://site.example\nPROJECT_ROOT=/etc\nFRONTEND_BUILD=/usr/share\n");
    CHECK_THAT(all(made.notes), Catch::Contains("PROJECT_ROOT in") && Catch::Contains("FRONTEND_BUILD in"));
    CHECK(made.toml.find("\"/etc") == std::string::npos);
    CHECK_THAT(made.toml, Catch::Contains("path = \"/var/www/teaching_panel/frontend/build\""));
}

TEST_CASE("migrated: a password in an address stays where it was") {
    const MigratedConfig made = migrated("SITE_URL=https://me:made-up-word@site.example\n"
                                         "API_URL=https://api.example/v1?key=made-up-word\n");
    CHECK(made.toml.find("made-up-word") == std::string::npos);
    CHECK_THAT(made.toml,
               Catch::Contains("url = \"${SITE_URL}\"") && Catch::Contains("\"${SITE_URL}/api/health/\""));
    CHECK_THAT(all(made.notes), Catch::Contains("API_URL in") && !Catch::Contains("made-up-word"));
    read(made.toml);
}

TEST_CASE("migrated: what the file leaves out is as it is on this host") {
    Discovered found;
    found.checks = {
        found_check("nginx", "unit nginx.service", "systemd", "unit", "nginx.service"),
        found_check("panel", "unit panel.service", "systemd", "unit", "panel.service"),
        found_check("panel-8000", "app 127.0.0.1:8000", "http", "url", "http://127.0.0.1:8000/",
                    {"unit panel.service"}),
        found_check("site-a", "site a.example", "http", "url", "https://a.example/"),
        found_check("redis-server", "unit redis-server.service", "systemd", "unit", "redis-server.service"),
        found_check("redis-6379", "redis 127.0.0.1:6379", "redis", "url", "redis://127.0.0.1:6379/0",
                    {"unit redis-server.service"})};
    const MigratedConfig made = migrated("ERRORS_CHAT_ID=1\n", found);
    CHECK_THAT(made.toml, Catch::Contains("url = \"https://a.example/\"") &&
                              Catch::Contains("unit = \"panel.service\"") &&
                              Catch::Contains("[health.check.redis-6379]") &&
                              Catch::Contains("needs = [\"redis-server\"]"));
    CHECK(made.toml.find("teaching_panel.service") == std::string::npos);
    CHECK_THAT(all(made.notes), Catch::Contains("SITE_URL is not set") && Catch::Contains("panel.service"));
    read(made.toml);

    // What the file says counts, and of two sites none is chosen.
    CHECK_THAT(migrated("SITE_URL=https://b.example\n", found).toml,
               Catch::Contains("url = \"https://b.example\"") && !Catch::Contains("a.example"));
    found.checks.push_back(found_check("site-c", "site c.example", "http", "url", "https://c.example/"));
    const MigratedConfig several = migrated("", found);
    CHECK_THAT(several.toml, !Catch::Contains("[health.check.site]"));
    CHECK_THAT(all(several.notes), Catch::Contains("several: https://a.example/, https://c.example/"));
}

TEST_CASE("migrated: whatever stands there, it loads and holds no secret") {
    const std::vector<std::string> names{"SITE_URL",           "API_URL",           "PROJECT_ROOT",
                                         "FRONTEND_BUILD",     "BACKUP_DIR",        "LOG_DIR",
                                         "BACKEND_SERVICE",    "NGINX_SERVICE",     "MEMORY_WARN_MB",
                                         "MEMORY_CRITICAL_MB", "SWAP_USED_WARN_MB", "SWAP_USED_CRITICAL_MB",
                                         "MAX_RESPONSE_TIME",  "ERRORS_BOT_TOKEN",  "ERRORS_CHAT_ID",
                                         "TELEGRAM_BOT_TOKEN", "HEARTBEAT_URL",     "UNKNOWN"};
    const std::vector<std::string> values{"https://a.example/",
                                          "http://u:pw-of-somebody@h",
                                          "/srv/app/",
                                          "/",
                                          "/etc",
                                          "/var/www/x",
                                          "//",
                                          "a b;c",
                                          "'",
                                          "\"",
                                          "$(reboot)",
                                          "`id`",
                                          "${X:-/srv/y}",
                                          "1",
                                          "0",
                                          "999999",
                                          "-5",
                                          "1e3",
                                          "teaching_panel.service",
                                          "\xff\xfe",
                                          "\"a\\\"]\\n[x]\"",
                                          "'x\n[health]\ny=1'",
                                          "${",
                                          "\\",
                                          "/srv/\"quoted\"/b",
                                          "/home/keeper",
                                          "/opt/a/../..",
                                          "/run/x/y"};
    std::mt19937 random(20261123);
    const auto one_of = [&](const std::vector<std::string>& all) { return all[random() % all.size()]; };
    for (int round = 0; round < 3000; ++round) {
        std::string text;
        for (std::size_t line = random() % 12; line > 0; --line) {
            text += one_of(names) + (random() % 9 == 0 ? " = " : "=") + one_of(values) + "\n";
        }
        CAPTURE(text);
        const bool is_full = random() % 2 == 0;
        const MigratedConfig made = migrated(text, {}, is_full ? everything_is_there : nothing_is_there);
        read(made.toml);
        CHECK(made.toml.find("pw-of-somebody") == std::string::npos);
    }
}

#include "incidents/markers.h"
#include "support/fake_clock.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <cerrno>

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration k_grace = minutes(10);

struct Machine {
    FakeClock clock; // an hour after boot
    Now now = clock.now();
    std::string tool = "health";

    [[nodiscard]] MarkerFile file(std::string content, Duration age) const {
        return {.content = std::move(content),
                .modified = now.wall - age,
                .path = "/run/x",
                .owner_is_gone = false};
    }
    [[nodiscard]] std::string epoch(Duration ahead) const {
        return std::to_string(std::chrono::floor<seconds>(now.wall + ahead).time_since_epoch().count());
    }
    [[nodiscard]] std::string utc(Duration ahead) const { return format_utc(now.wall + ahead); }
    [[nodiscard]] Suppression judge(const Markers& markers, const QuietBefore& before = {}) const {
        return judge_markers(markers, tool, before, k_grace, now);
    }
    [[nodiscard]] Suppression deploy(std::string content, Duration age) const {
        Markers markers;
        markers.deploy = file(std::move(content), age);
        return judge(markers);
    }
    [[nodiscard]] Suppression mute(std::string content, Duration age = minutes(1)) const {
        Markers markers;
        markers.mute = file(std::move(content), age);
        return judge(markers);
    }
    [[nodiscard]] Suppression maintenance(Duration age) const {
        Markers markers;
        markers.maintenance = file("", age);
        return judge(markers);
    }
};

bool in_force(const Suppression& suppression) {
    CHECK(suppression.notices.empty());
    return suppression.active();
}
bool told(const Suppression& suppression) {
    CHECK_FALSE(suppression.active());
    return suppression.notices.size() == 1 && suppression.notices[0].name == "markers" &&
           suppression.notices[0].status == Status::warning && !suppression.notices[0].message.ru.empty();
}

} // namespace

TEST_CASE("a foreign deploy marker holds from its time until deploy_grace, then it is told") {
    const Machine host;
    for (const char* content : {"", "deploying\n", "1234", "{\"x\":1}", "[]", "\xff\xfe"}) {
        CAPTURE(content);
        CHECK(in_force(host.deploy(content, minutes(9))));
        CHECK(told(host.deploy(content, minutes(10))));
    }
    CHECK(host.deploy("", minutes(1)).forbids_healing());
    CHECK(host.deploy("", minutes(1)).hides("anything"));
}

TEST_CASE("our deploy marker holds until it expires, never beyond half an hour") {
    const Machine host;
    const auto ours = [&](Duration started_ago, Duration expires_in, const std::string& boot = "boot-1") {
        return R"({"id":"a","by":"ci","pid":1,"boot_id":")" + boot + R"(","start":")" +
               host.utc(-started_ago) + R"(","expires":")" + host.utc(expires_in) +
               R"(","checks":["health/site"]})";
    };
    const Suppression running = host.deploy(ours(minutes(15), minutes(5)), minutes(1));
    CHECK(in_force(running)); // longer than the grace of foreign ones
    CHECK(running.hides("site"));
    CHECK_FALSE(running.hides("disk"));
    CHECK(running.forbids_healing());
    CHECK(told(host.deploy(ours(minutes(5), -seconds(1)), minutes(1))));
    CHECK(told(host.deploy(ours(minutes(31), minutes(60)), minutes(1))));
    CHECK(told(host.deploy(ours(-minutes(5), minutes(20)), minutes(1)))); // begins in the future
    CHECK(told(host.deploy(ours(minutes(1), minutes(5), "boot-0"), minutes(1))));
    CHECK(
        in_force(host.deploy(R"({"id":"a","start":"garbage","checks":7})", minutes(29)))); // since its mtime
    CHECK(told(host.deploy(R"({"id":"a","start":1e300})", minutes(31))));
}

TEST_CASE("a deploy holds back what it names of each tool, and nothing else of it") {
    Machine host;
    const auto hides = [&](const std::string& tool, const std::string& checks, const char* check) {
        host.tool = tool;
        return host
            .deploy(R"({"id":"fe-1","start":")" + host.utc(-minutes(1)) + R"(","checks":)" + checks + "}",
                    minutes(1))
            .hides(check);
    };
    const std::string named = R"(["site","smoke/lessons","deepcheck/tls"])";
    CHECK(hides("health", named, "site"));
    CHECK_FALSE(hides("smoke", named, "site"));
    CHECK(hides("smoke", named, "lessons"));
    CHECK_FALSE(hides("smoke", named, "groups"));
    CHECK_FALSE(hides("health", named, "lessons"));
    CHECK(hides("deepcheck", named, "tls"));
    CHECK_FALSE(hides("backup", named, "database"));
    CHECK_FALSE(hides("health", "[]", "site")); // it asks nothing, so it expects nothing to break
    CHECK(hides("health", "7", "site"));        // no list: as who lays it by hand
    host.tool = "smoke";
    CHECK(host.deploy(R"({"id":"fe-1","start":")" + host.utc(-minutes(1)) + R"(","checks":["site"]})",
                      minutes(1))
              .forbids_healing());
}

TEST_CASE("markers from the future or from before the boot hide nothing") {
    const Machine host;
    CHECK(told(host.deploy("", -minutes(2))));
    CHECK(told(host.deploy("", hours(2))));
    CHECK(told(host.maintenance(-minutes(2))));
    CHECK(told(host.maintenance(minutes(62))));
    CHECK(told(host.mute(host.epoch(minutes(10)), minutes(62))));
}

TEST_CASE("a mute holds until its time") {
    const Machine host;
    CHECK(in_force(host.mute(host.epoch(minutes(10)) + "\n")));
    CHECK_FALSE(host.mute(host.epoch(minutes(10))).forbids_healing());
    CHECK_FALSE(in_force(host.mute(host.epoch(-seconds(1))))); // over, as it should be
    for (const char* garbage : {"", "soon", "-5", "17.5", "0x10", "99999999999999999999", "1769076000000"}) {
        CAPTURE(garbage);
        CHECK(told(host.mute(garbage)));
    }
    CHECK(told(host.mute(host.epoch(hours(24 * 400)))));
}

TEST_CASE("maintenance holds for two hours") {
    Machine host;
    host.clock.advance(hours(5));
    host.now = host.clock.now();
    CHECK(in_force(host.maintenance(minutes(119))));
    CHECK(host.maintenance(minutes(119)).forbids_healing());
    CHECK_FALSE(in_force(host.maintenance(minutes(121))));
}

TEST_CASE("ALERTS_MUTED mutes without end and is told") {
    const Machine host;
    Markers markers;
    markers.always_muted = true;
    const Suppression suppression = host.judge(markers);
    CHECK(suppression.hides("site"));
    CHECK_FALSE(suppression.forbids_healing());
    REQUIRE(suppression.notices.size() == 1);
    CHECK(suppression.notices[0].life == SelfNotice::Life::passing);
}

TEST_CASE("each marker in force is put into words: what does not happen, by whom, and until when") {
    QuietSpan span{Quiet::deploy,
                   parse_utc("2026-01-22T10:00:00Z").value(),
                   parse_utc("2026-01-22T10:30:00Z").value(),
                   "ci",
                   {}};
    CHECK(quiet_words(span, "UTC").en ==
          "a deploy by ci is going on since 2026-01-22 10:00, until 2026-01-22 "
          "10:30 at the latest: nothing is mended, nothing is sent");
    span.checks = {"site", "api"};
    CHECK(quiet_words(span, "UTC").ru.ends_with("(о проверках site, api)"));
    span.quiet = Quiet::maintenance;
    CHECK(quiet_words(span, "Europe/Moscow").en ==
          "maintenance until 2026-01-22 13:30: nothing is mended, nothing is sent");
    span.quiet = Quiet::mute;
    CHECK(quiet_words(span, "UTC").en ==
          "muted until 2026-01-22 10:30: failures are mended, nothing is sent");

    const Machine host;
    const Suppression deploy =
        host.deploy(R"({"id":"a","by":"ci\n","start":")" + host.utc(-minutes(1)) + "\"}", {});
    REQUIRE(deploy.spans.size() == 1);
    CHECK(deploy.spans[0].by == "ci");
    CHECK(deploy.spans[0].until == host.now.wall - minutes(1) + minutes(30));
    CHECK(host.maintenance(minutes(1)).spans.size() == 1);
    CHECK(host.mute(host.epoch(minutes(10))).spans.size() == 1);
    CHECK(host.mute("soon").spans.empty());
}

TEST_CASE("while packages are replaced nothing is mended or told, for five minutes") {
    const Machine host;
    Markers markers;
    markers.packages = PackageRun{4242, seconds(20)};
    const Suppression during = host.judge(markers);
    CHECK(during.hides("site"));
    CHECK(during.forbids_healing());
    REQUIRE(during.spans.size() == 1);
    CHECK(during.spans[0].since == host.now.wall - seconds(20));
    CHECK(quiet_words(during.spans[0], "UTC").en.starts_with("packages are being installed since "));
    markers.packages->age = minutes(5);
    CHECK_FALSE(host.judge(markers).active());
    CHECK(host.judge({}, {{Quiet::packages}, "boot-0"})
              .notices.empty()); // a reboot in between is told elsewhere
}

TEST_CASE("quiet that a reboot has ended is told") {
    const Machine host;
    const QuietBefore before{{Quiet::mute, Quiet::deploy}, "boot-0"};
    const Suppression suppression = host.judge({}, before);
    REQUIRE(suppression.notices.size() == 2);
    CHECK(suppression.notices[0].life == SelfNotice::Life::passing);
    CHECK(host.judge({}, {{Quiet::mute}, "boot-1"}).notices.empty()); // removed by somebody, no reboot
    Markers always;
    always.always_muted = true;
    CHECK(host.judge(always, {{Quiet::mute}, "boot-0"}).notices.size() == 1);
}

TEST_CASE("markers are read from the run folder") {
    const TempFolder folder;
    SystemFiles files;
    const MarkerPaths paths = marker_paths(folder.path());
    CHECK_FALSE(read_markers(files, paths).deploy.has_value());
    spill(paths.deploy, "");
    spill(paths.mute, "123\n");
    const Markers markers = read_markers(files, paths);
    CHECK(markers.deploy.has_value());
    CHECK(markers.mute->content == "123\n");
    CHECK(markers.mute->path == paths.mute);
    CHECK_FALSE(markers.maintenance.has_value());
    CHECK(markers.unreadable.empty());
}

TEST_CASE("the marker of a deploy that has died hides nothing") {
    const TempFolder folder;
    SystemFiles files;
    const MarkerPaths paths = marker_paths(folder.path());
    const Machine host;
    const auto marker_of = [&](const std::string& pid) {
        spill(paths.deploy, R"({"id":"fe-1","start":")" + host.utc(-minutes(1)) + R"(","pid":)" + pid +
                                R"(,"boot_id":"boot-1"})");
        return read_markers(files, paths);
    };
    const pid_t ended = ::fork();
    if (ended == 0) {
        ::_exit(0);
    }
    REQUIRE(::waitpid(ended, nullptr, 0) == ended);
    const Suppression died = host.judge(marker_of(std::to_string(ended)));
    CHECK(told(died));
    CHECK(died.notices[0].message.en == "the deploy fe-1 has died: its marker no longer silences alerts");
    CHECK(in_force(host.judge(marker_of(std::to_string(::getpid())))));
    CHECK(in_force(host.judge(marker_of("1")))); // another user's
    for (const char* const nobody : {"0", "-1", "99999999999", "1e300", "\"x\"", "null"}) {
        INFO(nobody);
        CHECK(in_force(host.judge(marker_of(nobody))));
    }
    spill(paths.deploy, std::to_string(ended)); // a script's own: its process ends at once
    CHECK_FALSE(read_markers(files, paths).deploy->owner_is_gone);
}

TEST_CASE("odd things in the place of a marker are foreign content") {
    const TempFolder folder;
    SystemFiles files;
    const MarkerPaths paths = marker_paths(folder.path());
    std::filesystem::create_directory(paths.deploy);
    REQUIRE(::mkfifo(paths.mute.c_str(), 0600) == 0);
    spill(paths.maintenance, std::string(1 << 20, 'x'));
    const Markers markers = read_markers(files, paths);
    CHECK(markers.deploy->content.empty());
    CHECK(markers.mute->content.empty());
    CHECK(markers.maintenance->content.empty());
}

TEST_CASE("a marker that cannot be looked at hides nothing and is told") {
    const TempFolder folder;
    FaultyFiles files(folder.path());
    files.fail_from(1, EIO);
    const Markers markers = read_markers(files, marker_paths(folder.path()));
    CHECK(markers.unreadable.size() == 3);
    CHECK_FALSE(Machine().judge(markers).active());
}

#include "checks/growth.h"
#include "checks/postgres.h"
#include "checks/sqlite.h"
#include "platform/tree_size.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

constexpr double k_giga = 1024.0 * 1024 * 1024;

Bytes giga(double count) {
    return {static_cast<std::uint64_t>(count * k_giga)};
}

// A sample each hour, of what `size_at` says of the hour.
GrowthTrack watched(FakeClock& clock, int hours, const std::function<double(int)>& size_at) {
    GrowthTrack track;
    for (int hour = 0; hour <= hours; ++hour) {
        track.add(clock.now(), giga(size_at(hour)));
        clock.advance(1h);
    }
    return track;
}

std::optional<double> giga_a_day(const GrowthTrack& track) {
    const std::optional<GrowthTrack::Pace> pace = track.pace();
    return pace ? std::optional(pace->a_day / k_giga) : std::nullopt;
}

GrowthSettings of_disk() {
    GrowthSettings settings;
    settings.of = {"disk:/"};
    settings.targets = growth_targets(settings.of, {});
    return settings;
}

GrowthSample sample_of(double size, double room) {
    GrowthSample sample;
    sample.size = giga(size);
    sample.room = giga(room);
    return sample;
}

// A run each hour over `days`; what the last one said.
CheckResult after_days(FakeClock& clock, const GrowthSettings& settings, int days,
                       const std::function<GrowthSample(int)>& sample_at,
                       std::map<std::string, std::string> memory = {}) {
    CheckResult result;
    for (int hour = 0; hour <= 24 * days; ++hour) {
        result = evaluate_growth({sample_at(hour)}, settings, clock.now(), memory);
        memory = result.memory;
        clock.advance(1h);
    }
    return result;
}

} // namespace

TEST_CASE("nothing is said of the pace before three days are known", "[growth]") {
    FakeClock clock;
    const auto steady = [](int hour) { return 10 + hour / 24.0; };
    CHECK_FALSE(watched(clock, 0, steady).pace());
    CHECK_FALSE(watched(clock, 66, steady).pace());
    CHECK(giga_a_day(watched(clock, 72, steady)) == Approx(1).epsilon(0.01));
}

TEST_CASE("what happens once in the week does not change the pace", "[growth]") {
    FakeClock clock;
    const auto pace_of = [&](const std::function<double(int)>& size_at) {
        return giga_a_day(watched(clock, 7 * 24, size_at)).value_or(-1000);
    };
    CHECK(pace_of([](int hour) { return 10 + hour / 24.0; }) == Approx(1).epsilon(0.01));
    CHECK(pace_of([](int hour) { return 40 + hour / 24.0 - (hour > 80 ? 30 : 0); }) ==
          Approx(1).epsilon(0.01)); // a clean-up in its middle
    CHECK(pace_of([](int hour) { return 40 + hour / 24.0 + (hour > 30 ? 90 : 0); }) ==
          Approx(1).epsilon(0.01)); // an upload
    CHECK(pace_of([](int hour) { return 40 - hour / 24.0; }) == Approx(-1).epsilon(0.01));
    CHECK(pace_of([](int) { return 40; }) == Approx(0));
}

TEST_CASE("what happens each day at one hour is the pace, or none", "[growth]") {
    FakeClock clock;
    // The backup of the night.
    const auto nightly = watched(clock, 7 * 24, [](int hour) { return 5.0 + (hour + 20) / 24; });
    CHECK(giga_a_day(nightly) == Approx(1).epsilon(0.05));
    // It is made at three, and the oldest one goes at five.
    const auto turns =
        watched(clock, 7 * 24, [](int hour) { return 50.0 + (hour % 24 >= 3 && hour % 24 < 5 ? 4 : 0); });
    CHECK(giga_a_day(turns) == Approx(0).margin(0.01));
}

TEST_CASE("a clean-up is named beside the pace", "[growth]") {
    FakeClock clock;
    const auto track =
        watched(clock, 7 * 24, [](int hour) { return 40 + hour / 24.0 - (hour > 80 ? 30 : 0); });
    REQUIRE(track.pace());
    REQUIRE(track.pace()->freed);
    CHECK(static_cast<double>(track.pace()->freed->count) / k_giga == Approx(29.75).epsilon(0.01));
    CHECK_FALSE(watched(clock, 7 * 24, [](int hour) { return 40 + hour / 24.0; }).pace()->freed);
}

TEST_CASE("a week is kept, and of it what fits", "[growth]") {
    FakeClock clock;
    GrowthTrack track = watched(clock, 90 * 24, [](int hour) { return 10 + hour / 24.0; });
    CHECK(track.watched() <= 7 * 24h + 1h);
    CHECK(track.watched() >= 6 * 24h);
    CHECK(track.to_text().size() < 1000);
    const GrowthTrack kept = GrowthTrack::from_text(track.to_text());
    CHECK(kept.to_text() == track.to_text());
    CHECK(giga_a_day(kept) == giga_a_day(track));
}

TEST_CASE("the clock of the wall may jump while the host runs", "[growth]") {
    FakeClock clock;
    GrowthTrack track;
    for (int hour = 0; hour <= 7 * 24; ++hour) {
        track.add(clock.now(), giga(10 + hour / 24.0));
        clock.advance(1h);
        if (hour == 50) {
            clock.jump_wall(-400 * 24h);
        } else if (hour == 100) {
            clock.jump_wall(900 * 24h);
        }
    }
    CHECK(giga_a_day(track) == Approx(1).epsilon(0.01));
}

TEST_CASE("over a restart with another clock nothing is claimed", "[growth]") {
    FakeClock clock;
    const auto steady = [](int hour) { return 10 + hour / 24.0; };
    SECTION("the clock was set back: the week begins anew, and goes on") {
        GrowthTrack track = watched(clock, 7 * 24, steady);
        clock.reboot(0s);
        clock.jump_wall(-30 * 24h);
        CHECK(track.is_due(clock.now()));
        track.add(clock.now(), giga(20));
        CHECK_FALSE(track.pace());
        for (int hour = 1; hour <= 4 * 24; ++hour) {
            clock.advance(1h);
            track.add(clock.now(), giga(20 + hour / 24.0));
        }
        CHECK(giga_a_day(track) == Approx(1).epsilon(0.01));
    }
    SECTION("it was set forward: what was known is older than a week") {
        GrowthTrack track = watched(clock, 7 * 24, steady);
        clock.reboot(0s);
        clock.jump_wall(30 * 24h);
        track.add(clock.now(), giga(20));
        CHECK(track.watched() == 0ms);
        CHECK_FALSE(track.pace());
    }
    SECTION("with the right clock the week goes on") {
        GrowthTrack track = watched(clock, 7 * 24, steady);
        clock.reboot(60s);
        track.add(clock.now(), giga(17));
        CHECK(track.pace());
    }
}

TEST_CASE("what is remembered of a size may be garbage", "[growth]") {
    FakeClock clock;
    const std::string moment = watched(clock, 0, [](int) { return 1; }).to_text();
    CHECK(GrowthTrack::from_text(moment).last() == giga(1));
    for (const std::string& text :
         {std::string("x"), std::string("1/2/b"), std::string("1/2/b 0"), std::string("1/2/b 5:1"),
          std::string("1/2/b -1:1 0:1"), std::string("1/2/b 1:1 2:1 0:1"), std::string("1/2/b 0:1 0:1"),
          std::string("1/2/b 99999999999999999999:1 0:1"), std::string("1/2/b 9223372036854775807:1 0:1"),
          std::string("1/2/b 0:-4"), std::string("")}) {
        INFO(text);
        CHECK_FALSE(GrowthTrack::from_text(text).last());
    }
    std::string many = "1/2/b";
    for (int i = 99; i >= 0; --i) {
        many += fmt::format(" {}:1", i);
    }
    CHECK_FALSE(GrowthTrack::from_text(many).last());
}

TEST_CASE("a disk says when it is full, and alarms nobody unless that is asked for", "[growth]") {
    FakeClock clock;
    GrowthSettings settings = of_disk();
    settings.full_in.warn = Amount{Amount::Unit::milliseconds, 30 * 86'400'000.0};
    const auto growing = [](int hour) { return sample_of(10 + hour / 24.0, 27 - hour / 24.0); };
    const CheckResult quiet = after_days(clock, settings, 7, growing);
    CHECK(quiet.status == Status::ok);
    CHECK_THAT(quiet.message.en, Contains("disk /: 1 GB more a day, full in 20 days") ||
                                     Contains("disk /: 1 GB more a day, full in 19 days"));
    CHECK_THAT(quiet.message.ru, Contains("диск /: +1 GB в день, место кончится через"));
    settings.tells = true;
    const CheckResult told = after_days(clock, settings, 7, growing);
    CHECK(told.status == Status::warning);
    CHECK_FALSE(told.hint.empty());
    CHECK(after_days(clock, settings, 7, [](int hour) {
              return sample_of(10 + hour / 24.0, 200 - hour / 24.0);
          }).status == Status::ok);
}

TEST_CASE("what a growth check says of what does not grow", "[growth]") {
    FakeClock clock;
    const GrowthSettings settings = of_disk();
    CHECK(after_days(clock, settings, 0, [](int) { return sample_of(10, 10); }).message.en ==
          "disk /: 10 GB (its pace is known after three days)");
    CHECK_THAT(after_days(clock, settings, 1, [](int) { return sample_of(10, 10); }).message.en,
               Contains("known after three days"));
    CHECK(after_days(clock, settings, 7, [](int) { return sample_of(10, 10); }).message.en ==
          "disk /: not growing");
    CHECK_THAT(
        after_days(clock, settings, 7, [](int hour) { return sample_of(30 - hour / 24.0, 10); }).message.en,
        Contains("disk /: 1 GB less a day") || Contains("disk /: 1023 MB less a day") ||
            Contains("disk /: 1024 MB less a day"));
    CHECK_THAT(after_days(clock, settings, 7, [](int hour) { return sample_of(10 + hour / 2400.0, 900); })
                   .message.en,
               Contains("enough room for years"));
}

TEST_CASE("a database has a limit of its own besides the disk's", "[growth]") {
    FakeClock clock;
    GrowthSettings settings;
    settings.tells = true;
    settings.full_in.critical = Amount{Amount::Unit::milliseconds, 7 * 86'400'000.0};
    GrowthTarget target;
    target.kind = GrowthTarget::Kind::sqlite;
    target.text = "check:lite";
    target.limit = giga(20);
    settings.targets = {target};
    const auto growing = [](int hour) { return sample_of(10 + hour / 24.0, 100); };
    const CheckResult result = after_days(clock, settings, 7, growing);
    CHECK_THAT(result.message.en, Contains("lite: 1 GB more a day, reaches its limit of 20 GB in"));
    CHECK(result.status == Status::critical);
    settings.targets[0].limit = giga(15);
    CHECK_THAT(after_days(clock, settings, 7, growing).message.en,
               Contains("over its limit of 15 GB already"));
    settings.targets[0].limit.reset();
    CHECK_THAT(after_days(clock, settings, 7, growing).message.en, Contains("full in"));
    settings.targets[0].kind = GrowthTarget::Kind::postgres; // its disk may be anywhere
    CHECK_THAT(after_days(clock, settings, 7,
                          [](int hour) {
                              GrowthSample sample = sample_of(10 + hour / 24.0, 0);
                              sample.room.reset();
                              return sample;
                          })
                   .message.en,
               Contains("more a day") && !Contains("full"));
}

TEST_CASE("what cannot be looked at keeps what was known, and is unknown", "[growth]") {
    FakeClock clock;
    const GrowthSettings settings = of_disk();
    const CheckResult before =
        after_days(clock, settings, 7, [](int hour) { return sample_of(10 + hour / 24.0, 9); });
    GrowthSample unseen;
    unseen.trouble = verbatim("no rights");
    const CheckResult result = evaluate_growth({unseen}, settings, clock.now(), before.memory);
    CHECK(result.status == Status::unknown);
    CHECK(result.message.en == "disk /: no rights");
    CHECK(result.memory == before.memory);
}

TEST_CASE("check:NAME stands for the database of that check", "[growth]") {
    auto lite = std::make_shared<SqliteSettings>();
    lite->path = "/srv/db.sqlite3";
    lite->size = {Amount{Amount::Unit::bytes, k_giga}, Amount{Amount::Unit::bytes, 2 * k_giga}};
    auto pg = std::make_shared<PostgresSettings>();
    pg->url = Secret("postgresql://x@127.0.0.1/y");
    CheckSettings one;
    one.name = "lite";
    one.type = "sqlite";
    one.settings = lite;
    CheckSettings two;
    two.name = "pg";
    two.type = "postgres";
    two.settings = pg;
    CheckSettings off = two;
    off.name = "off";
    off.unset = {"DATABASE_URL"};
    const auto targets = growth_targets(
        {"check:lite", "check:pg", "check:off", "check:nobody", "files:/srv/media"}, {one, two, off});
    REQUIRE(targets.size() == 5);
    CHECK(targets[0].kind == GrowthTarget::Kind::sqlite);
    CHECK(targets[0].path == "/srv/db.sqlite3");
    CHECK(targets[0].limit == giga(2));
    CHECK(targets[1].kind == GrowthTarget::Kind::postgres);
    CHECK_FALSE(targets[1].limit);
    CHECK(targets[2].kind == GrowthTarget::Kind::none);
    CHECK(targets[3].kind == GrowthTarget::Kind::none);
    CHECK(targets[4].path == "/srv/media");
}

TEST_CASE("a folder is counted once in six hours, by the file system", "[growth]") {
    TempFolder folder;
    std::ofstream(folder.path() / "a") << std::string(1 << 20, 'x');
    BareWorld bare;
    FakeHost host;
    host.mount_list = std::vector<Mount>{};
    host.disks.emplace(folder.path(), DiskSpace{giga(100), giga(50), 0, 0, false});
    const World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    GrowthSettings settings;
    settings.of = {"files:" + folder.path().string()};
    settings.targets = growth_targets(settings.of, {});
    const auto check = growth_check_type().make(&settings);
    std::map<std::string, std::string> memory;
    const auto look = [&] {
        const CheckResult result = dynamic_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + 30s, memory});
        memory = result.memory;
        return result;
    };
    const CheckResult first = look();
    CHECK(first.status == Status::ok);
    REQUIRE(first.metrics.size() == 1);
    CHECK(first.metrics[0].value >= 1 << 20);
    std::filesystem::remove_all(folder.path() / "a");
    CHECK(look().metrics[0].value == first.metrics[0].value); // not counted again
    bare.clock.advance(7h);
    CHECK(look().metrics[0].value < first.metrics[0].value);
}

TEST_CASE("the size of a tree is what du says", "[growth]") {
    TempFolder folder;
    FakeClock clock;
    const auto size = [&] { return tree_size(folder.path(), clock, clock.steady() + 1h); };
    const std::uint64_t empty = size()->size.count;
    std::filesystem::create_directories(folder.path() / "one" / "two");
    std::ofstream(folder.path() / "one" / "two" / "file") << std::string(1 << 20, 'x');
    const std::uint64_t once = size()->size.count;
    CHECK(once >= empty + (1 << 20));
    REQUIRE(::link((folder.path() / "one/two/file").c_str(), (folder.path() / "again").c_str()) == 0);
    CHECK(size()->size.count - once < 1 << 19); // the second name of a file takes nothing
    std::filesystem::create_directory_symlink("/usr", folder.path() / "elsewhere");
    CHECK(size()->names == 5);
    REQUIRE(::truncate((folder.path() / "one/two/file").c_str(), 10LL << 30) == 0); // holes take nothing
    CHECK(size()->size.count < 10 << 20);
    CHECK(tree_size(folder.path() / "nothing", clock, clock.steady() + 1h).error().kind ==
          ErrorKind::not_found);
    CHECK_FALSE(tree_size(folder.path() / "again", clock, clock.steady() + 1h).ok());
}

TEST_CASE("a tree that is not counted in time says so", "[growth]") {
    TempFolder folder;
    for (int i = 0; i < 600; ++i) {
        std::ofstream(folder.path() / std::to_string(i)) << "x";
    }
    FakeClock clock;
    CHECK(tree_size(folder.path(), clock, clock.steady()).error().kind == ErrorKind::timeout);
}

#include "checks/disk.h"
#include "support/bare_world.h"
#include "support/fake_host.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

DiskSpace space(std::uint64_t free_percent, std::uint64_t inodes_free = 50) {
    return {100_GB, {free_percent << 30U}, 100, inodes_free, false};
}

CheckResult judged(const DiskSpace& seen, const std::map<std::string, std::string>& memory = {}) {
    return evaluate_disk(seen, {}, memory);
}

} // namespace

TEST_CASE("free space by its thresholds, and clear only beyond them") {
    CHECK(judged(space(40)).status == Status::ok);
    CHECK(judged(space(40)).message.en == "40 GB free of 100 GB (40%)");
    const CheckResult little = judged(space(10));
    CHECK(little.status == Status::warning);
    CHECK(little.message.ru == "мало места на /: свободно 10 GB из 100 GB (10%)");
    CHECK(judged(space(11), little.memory).status == Status::warning);
    CHECK(judged(space(11)).status == Status::ok);
    CHECK(judged(space(12), little.memory).status == Status::ok);
    const CheckResult full = judged(space(0));
    CHECK(full.status == Status::critical);
    CHECK(full.message.en == "no space is left on / (100 GB in all)");
    CHECK(full.message.ru == "на / не осталось места (всего 100 GB)");
    CHECK_FALSE(full.hint.empty());
}

TEST_CASE("no action of ours makes room") {
    CHECK(judged(space(3)).remedy == Remedy::cannot_help);
}

TEST_CASE("inodes run out on their own") {
    const CheckResult few = judged(space(40, 2));
    CHECK(few.status == Status::critical);
    CHECK(few.message.en.find("only 2 of 100 inodes left") != std::string::npos);
    DiskSpace uncounted = space(40);
    uncounted.inodes = uncounted.inodes_free = 0;
    CHECK(judged(uncounted).status == Status::ok);
    // Less bad than the space: the space stays the message.
    CHECK(judged(space(1, 5)).message.en.find("almost no space") == 0);
}

TEST_CASE("read-only is critical however much is free") {
    DiskSpace frozen = space(90);
    frozen.read_only = true;
    const CheckResult result = judged(frozen);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "/ is mounted read-only: nothing can be saved");
}

TEST_CASE("metrics carry their thresholds in bytes") {
    const CheckResult result = judged(space(40));
    REQUIRE(result.metrics.size() == 2);
    CHECK(result.metrics[0].name == "free");
    CHECK(result.metrics[0].unit == "B");
    CHECK(result.metrics[0].warn == static_cast<double>((10_GB).count));
}

TEST_CASE("a path that is not there is unknown, a disk that gives errors is critical") {
    BareWorld bare;
    FakeHost host;
    host.mount_list = std::vector<Mount>{{"/dev/vda1", "/", "ext4", "rw"}};
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    DiskSettings settings;
    settings.path = "/srv";
    const auto check = disk_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const auto look = [&] {
        return static_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady(), memory, false});
    };
    CHECK(look().status == Status::unknown);
    host.disks.emplace("/srv", Error{ErrorKind::io, "Input/output error"});
    CHECK(look().status == Status::critical);
    host.disks.insert_or_assign("/srv", space(50));
    CHECK(look().status == Status::ok);
}

TEST_CASE("a network mount is asked by a child, and what it says is judged like a disk") {
    BareWorld bare;
    FakeHost host;
    // In place of a network mount: a folder of this machine that is said to be one. FakeHost knows no disk there.
    host.mount_list =
        std::vector<Mount>{{"/dev/vda1", "/", "ext4", "rw"}, {"server:/x", "/usr", "nfs4", "rw"}};
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    const auto look = [&](const Path& path, const std::map<std::string, std::string>& memory = {}) {
        DiskSettings settings;
        settings.path = path;
        settings.free = {};
        settings.inodes = {};
        const auto check = disk_check_type().make(&settings);
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {world, bare.clock.now(), bare.clock.steady() + std::chrono::seconds(30), memory});
    };
    const CheckResult seen = look("/usr", {{"left-behind", "1/1"}}); // no such child any more
    CHECK_FALSE(seen.metrics.empty());
    CHECK_FALSE(seen.memory.contains("left-behind"));
    CHECK(look("/usr/nothing-there").status == Status::unknown);
    CHECK(look("/etc").status == Status::unknown); // a disk of this host: FakeHost is asked
}

TEST_CASE("a mount that hangs is critical, and no restart mends it") {
    const Mount mount{"server:/x", "/mnt/media", "nfs4", "rw"};
    const CheckResult hangs =
        evaluate_hung_disk(mount, Stranded::Outcome::hangs, {{"level-free", "warning"}});
    CHECK(hangs.status == Status::critical);
    CHECK(hangs.message.en == "the file system /mnt/media (nfs4) does not answer within 3 s");
    CHECK(hangs.remedy == Remedy::cannot_help);
    CHECK(hangs.memory.contains("level-free"));
    CHECK(evaluate_hung_disk(mount, Stranded::Outcome::still_hangs, {}).message.en ==
          "the file system /mnt/media (nfs4) still does not answer");
}

TEST_CASE("a full disk says how much it has grown in a day") {
    using namespace std::chrono_literals;
    FakeClock clock;
    std::map<std::string, std::string> memory;
    const auto look = [&](std::uint64_t free_percent) {
        CheckResult result = judged(space(free_percent), memory);
        tell_growth(result, space(free_percent), clock.now(), memory);
        memory = result.memory;
        return result.message.en;
    };
    CHECK_THAT(look(1), !Catch::Contains("a day ago")); // the first look ever
    memory.clear();
    for (int hour = 0; hour < 24; ++hour) {
        CHECK_THAT(look(40), !Catch::Contains("a day ago"));
        clock.advance(1h);
    }
    CHECK_THAT(look(3), Catch::EndsWith("; 37 GB more used than a day ago"));
    CHECK_THAT(look(40), !Catch::Contains("a day ago")); // all is well: nothing to explain
    clock.advance(3 * 24h);
    CHECK_THAT(look(3), !Catch::Contains("a day ago")); // nothing is known of yesterday
    CHECK(memory.at("used").size() < 200);
    SECTION("what is kept may be garbage") {
        for (const char* kept : {"", "x", "1/2/b", "1/2/b x 3", "1/2/b 99999999999999999999"}) {
            memory = {{"used", kept}};
            CHECK_NOTHROW(look(3));
        }
    }
}

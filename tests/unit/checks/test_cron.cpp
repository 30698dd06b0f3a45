#include "checks/cron.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const Now k_now{WallTime(Duration(1'769'076'000'000)), 50h, "boot"};

Now before(Duration ago) {
    return {k_now.wall - ago, k_now.boot - ago, k_now.boot_id};
}

CronSettings watching() {
    CronSettings settings;
    settings.tools = {{"backup", 26h}, {"smoke", 15min}};
    return settings;
}

CronSample seen(std::optional<Now> smoke, std::optional<Now> backup = before(1h)) {
    CronSample sample;
    sample.tools = {{"smoke", {smoke, std::nullopt}}, {"backup", {backup, std::nullopt}}};
    return sample;
}

CheckResult judged(const CronSample& sample, const std::map<std::string, std::string>& memory = {},
                   const Now& now = k_now) {
    return evaluate_cron(sample, watching(), now, memory);
}

} // namespace

TEST_CASE("cron: in time, late", "[cron]") {
    const CheckResult good = judged(seen(before(5min)));
    CHECK(good.status == Status::ok);
    CHECK(good.message.en == "all ran in time");
    CHECK(good.metrics.size() == 2);
    const CheckResult late = judged(seen(before(20min)));
    CHECK(late.status == Status::warning);
    CHECK(late.message.en == "lectio-smoke last finished a run 20 minutes ago, at most 15 minutes expected");
    CHECK(judged(seen(before(15min))).status == Status::ok);
    CHECK_THAT(judged(seen(before(20min), before(30h))).message.en,
               Catch::Contains("lectio-smoke") && Catch::Contains("lectio-backup"));
}

TEST_CASE("cron: a clock that jumped makes nobody late", "[cron]") {
    Now finished = before(5min);
    finished.wall -= 48h;
    CHECK(judged(seen(finished)).status == Status::ok);
    finished.wall += 96h;
    CHECK(judged(seen(finished)).status == Status::ok);
}

TEST_CASE("cron: a run of over a year ago, before a restart, is that long ago", "[cron]") {
    const Now finished{k_now.wall - 24h * 400, 1h, "boot before"};
    const CheckResult late = judged(seen(finished));
    CHECK(late.status == Status::warning);
    CHECK_THAT(late.message.en, Catch::Contains("lectio-smoke last finished a run"));
}

TEST_CASE("cron: a run of a time to come, before a restart, is no run: one is awaited", "[cron]") {
    const Now finished{k_now.wall + 24h * 30, 1h, "boot before"};
    const CheckResult first = judged(seen(finished));
    CHECK(first.status == Status::ok); // who runs says so within its age
    const Now later{k_now.wall + 16min, k_now.boot + 16min, k_now.boot_id};
    const CheckResult never = judged(seen(finished), first.memory, later);
    CHECK(never.status == Status::warning);
    CHECK_THAT(never.message.en, Catch::Contains("lectio-smoke is of") && Catch::Contains("16 minutes"));
    CHECK_THAT(never.message.en, !Catch::Contains("backup"));
    CHECK(judged(seen(before(1min)), never.memory, k_now).memory.empty()); // it runs again
}

TEST_CASE("cron: who is awaited since a time to come is awaited from now on", "[cron]") {
    const Now ahead{k_now.wall + 24h * 30, 1h, "boot before"};
    const CheckResult first = judged(seen(std::nullopt), {}, ahead);
    const CheckResult now = judged(seen(std::nullopt), first.memory);
    const Now later{k_now.wall + 16min, k_now.boot + 16min, k_now.boot_id};
    CHECK(judged(seen(std::nullopt), now.memory, later).status == Status::warning);
}

TEST_CASE("cron: a tool that never ran is awaited for its age from the first look on", "[cron]") {
    const CheckResult first = judged(seen(std::nullopt));
    CHECK(first.status == Status::ok);
    CHECK_THAT(first.message.en, Catch::Contains("awaited"));
    Now later{k_now.wall + 14min, k_now.boot + 14min, "boot"};
    const CheckResult waiting = judged(seen(std::nullopt), first.memory, later);
    CHECK(waiting.status == Status::ok);
    later.wall += 2min;
    later.boot += 2min;
    const CheckResult never = judged(seen(std::nullopt), waiting.memory, later);
    CHECK(never.status == Status::warning);
    CHECK(never.message.en == "lectio-smoke has never finished a run here, awaited for 16 minutes");
}

TEST_CASE("cron: a record that cannot be read is told", "[cron]") {
    CronSample sample = seen(before(1min));
    sample.tools["smoke"] = {std::nullopt,
                             Error{ErrorKind::permission, "unable to open /x: Permission denied"}};
    const CheckResult result = judged(sample);
    CHECK(result.status == Status::warning);
    CHECK_THAT(result.message.en, Catch::Contains("the state of lectio-smoke cannot be read"));
}

TEST_CASE("cron: the moment in a tool's state", "[cron]") {
    const std::string good =
        R"({"schema":1,"judge":{},"finished":{"wall_ms":1769076000000,"boot_ms":180000000,"boot_id":"boot"}})";
    CHECK(finished_in(good) == Now{WallTime(Duration(1'769'076'000'000)), 50h, "boot"});
    for (const std::string& bad : {std::string(), std::string("garbage"), std::string("[]"),
                                   std::string("{}"), std::string(R"({"finished":7})"),
                                   std::string(R"({"finished":{"wall_ms":"x","boot_ms":1,"boot_id":"b"}})"),
                                   std::string(100'000, '[')}) {
        CHECK_FALSE(finished_in(bad).has_value());
    }
}

TEST_CASE("cron: real state files", "[cron]") {
    const TempFolder folder;
    BareWorld bare;
    const Now now = bare.clock.now();
    std::filesystem::create_directory(folder / "smoke");
    std::filesystem::create_directory(folder / "backup");
    spill(folder / "smoke/state.json",
          fmt::format(R"({{"schema":1,"finished":{{"wall_ms":{},"boot_ms":{},"boot_id":"{}"}}}})",
                      now.wall.time_since_epoch().count(), now.boot.count(), now.boot_id));
    CronSettings settings = watching();
    const std::unique_ptr<Check> check = cron_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const auto look = [&] {
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {bare.world, now, {}, memory, false, folder.path()});
    };
    CHECK_THAT(look().message.en, Catch::Contains("still awaited")); // backup has a folder, but no state
    std::filesystem::create_directory(folder / "backup/state.json");
    CHECK_THAT(look().message.en, Catch::Contains("the state of lectio-backup cannot be read"));
}

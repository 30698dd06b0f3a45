#include "checks/memory.h"
#include "checks/moment.h"
#include "support/bare_world.h"
#include "support/fake_clock.h"
#include "support/fake_host.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

MemorySample sample(Bytes available, std::optional<std::uint64_t> kills = std::nullopt) {
    return {{2_GB, available, 1_GB, 1_GB}, kills};
}

using Memory = std::map<std::string, std::string>;

} // namespace

TEST_CASE("available memory by its thresholds") {
    const Now now = FakeClock().now();
    CHECK(evaluate_memory(sample(1_GB), {}, now, {}).status == Status::ok);
    CHECK(evaluate_memory(sample(1_GB), {}, now, {}).message.en == "1 GB available of 2 GB");
    const CheckResult low = evaluate_memory(sample(256_MB), {}, now, {});
    CHECK(low.status == Status::warning);
    CHECK(low.message.ru == "память заканчивается: доступно 256 MB из 2 GB");
    CHECK(evaluate_memory(sample(280_MB), {}, now, low.memory).status == Status::warning);
    CHECK(evaluate_memory(sample(310_MB), {}, now, low.memory).status == Status::ok);
    CHECK(evaluate_memory(sample(100_MB), {}, now, {}).status == Status::critical);
}

TEST_CASE("swap in use, where there is swap") {
    MemorySettings settings;
    settings.swap_used = {Amount{Amount::Unit::bytes, 512.0 * 1024 * 1024}, std::nullopt};
    MemorySample seen = sample(1_GB);
    seen.info.swap_free = 400_MB;
    const CheckResult result = evaluate_memory(seen, settings, FakeClock().now(), {});
    CHECK(result.status == Status::warning);
    CHECK(result.message.en == "624 MB of swap in use; 1 GB available of 2 GB");
    seen.info.swap_total = seen.info.swap_free = 0_B;
    CHECK(evaluate_memory(seen, settings, FakeClock().now(), {}).status == Status::ok);
}

TEST_CASE("a kill by the kernel is told once, for a while, and not from before our time") {
    FakeClock clock;
    const auto run = [&](std::uint64_t kills, const Memory& memory) {
        return evaluate_memory(sample(1_GB, kills), {}, clock.now(), memory);
    };
    CheckResult result = run(7, {});
    CHECK(result.status == Status::ok); // seven kills before we were installed
    clock.advance(1min);
    result = run(9, result.memory);
    CHECK(result.status == Status::warning);
    CHECK(result.message.ru.find("не хватило памяти: ядро убило 2 процесса") == 0);
    clock.advance(14min);
    result = run(9, result.memory);
    CHECK(result.status == Status::warning);
    clock.advance(1min);
    result = run(9, result.memory);
    CHECK(result.status == Status::ok);
    CHECK_FALSE(result.memory.contains("oom-last"));
}

TEST_CASE("asked again in the same run, the same answer") {
    FakeClock clock;
    CheckResult result = evaluate_memory(sample(1_GB, 1), {}, clock.now(), {});
    result = evaluate_memory(sample(1_GB, 2), {}, clock.now(), result.memory);
    const CheckResult again = evaluate_memory(sample(1_GB, 2), {}, clock.now(), result.memory);
    CHECK(again.status == result.status);
    CHECK(again.message == result.message);
}

TEST_CASE("another boot counts from nothing; a clock set back forgets nothing") {
    FakeClock clock;
    CheckResult result = evaluate_memory(sample(1_GB, 5), {}, clock.now(), {});
    clock.reboot(30s);
    result = evaluate_memory(sample(1_GB, 5), {}, clock.now(), result.memory);
    CHECK(result.message.en.find("killed 5 processes") != std::string::npos);
    clock.jump_wall(-24h);
    clock.advance(1min);
    result = evaluate_memory(sample(1_GB, 5), {}, clock.now(), result.memory);
    CHECK(result.status == Status::warning);
    clock.advance(15min);
    CHECK(evaluate_memory(sample(1_GB, 5), {}, clock.now(), result.memory).status == Status::ok);
}

TEST_CASE("how bad a kill is, is the operator's to say") {
    const Now now = FakeClock().now();
    MemorySettings settings;
    const Memory before = evaluate_memory(sample(1_GB, 1), settings, now, {}).memory;
    settings.oom = MemorySettings::Oom::critical;
    CHECK(evaluate_memory(sample(1_GB, 2), settings, now, before).status == Status::critical);
    settings.oom = MemorySettings::Oom::off;
    CHECK(evaluate_memory(sample(1_GB, 2), settings, now, before).status == Status::ok);
}

TEST_CASE("memory: garbage in what the check kept is as nothing kept") {
    const Now now = FakeClock().now();
    const Memory garbage{
        {"oom-counter", "x"}, {"oom-boot", now.boot_id}, {"oom-last", "//"}, {"oom-recent", "-1"}};
    CHECK(evaluate_memory(sample(1_GB, 0), {}, now, garbage).status == Status::ok);
    for (const char* text : {"", "1", "1/2", "a/b/c", "1/2/3/4", "1/2x/3"}) {
        CHECK_FALSE(moment_from_text(text));
    }
    CHECK(moment_from_text(moment_to_text(now)) == now);
}

TEST_CASE("who was killed is named, for as long as the kill is shown") {
    const Now now = FakeClock().now();
    const std::map<std::string, std::string> before{{"oom-counter", "3"}, {"oom-boot", now.boot_id}};
    MemorySample sample{
        {1_GB, 500_MB, 0_B, 0_B}, 5, {{Duration(1), 7, "python3"}, {Duration(1), 8, "celery\x1b"}}};
    const CheckResult killed = evaluate_memory(sample, {}, now, before);
    CHECK_THAT(killed.message.en,
               Catch::StartsWith("out of memory: the kernel has killed 2 processes: celery?, python3; "));
    sample.victims.clear();
    CHECK_THAT(evaluate_memory(sample, {}, now, killed.memory).message.en,
               Catch::Contains("celery?, python3"));
    // Without the right to read the kernel's log the number is all that is known.
    CHECK_THAT(evaluate_memory(sample, {}, now, before).message.en, Catch::Contains("killed 2 processes; "));
}

TEST_CASE("the five largest processes stand under a message that memory runs out") {
    std::vector<ProcessInfo> all;
    for (int i = 0; i < 9; ++i) {
        all.push_back(made_up_process(10 + i, 1, "worker " + std::to_string(i)));
        all.back().rss = {static_cast<std::uint64_t>((i * 7) % 9) << 20U};
    }
    const std::string lines = largest_processes(
        all, [](int pid) { return pid == 15 ? std::string("app.service") : std::string(); });
    CHECK(lines == "8 MB  worker 5 (15, app.service)\n7 MB  worker 1 (11)\n6 MB  worker 6 (16)\n"
                   "5 MB  worker 2 (12)\n4 MB  worker 7 (17)");
    CHECK(largest_processes({}, [](int) { return std::string(); }).empty());

    BareWorld bare;
    FakeHost host;
    host.memory_info = MemoryInfo{1_GB, 50_MB, 0_B, 0_B};
    host.process_list = all;
    World world{bare.clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    const MemorySettings settings;
    const std::map<std::string, std::string> memory;
    const auto look = [&] {
        const auto check = memory_check_type().make(&settings);
        return dynamic_cast<const BlockingCheck&>(*check).run({world, bare.clock.now(), {}, memory});
    };
    CHECK_THAT(look().evidence, Catch::StartsWith("8 MB  worker 5"));
    host.memory_info = MemoryInfo{1_GB, 900_MB, 0_B, 0_B};
    CHECK(look().evidence.empty());
}

#include "checks/memory.h"
#include "checks/moment.h"
#include "support/fake_clock.h"

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

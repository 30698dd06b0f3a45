#include "checks/clock.h"
#include "platform/host.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

TimeSync kept_right(std::chrono::microseconds offset) {
    TimeSync sync;
    sync.synchronised = true;
    sync.offset = offset;
    return sync;
}

} // namespace

TEST_CASE("clock: kept right, or by nobody", "[clock]") {
    const CheckResult good = evaluate_clock(kept_right(-1'400us), {}, {});
    CHECK(good.status == Status::ok);
    CHECK(good.message.en == "kept right, 1 ms to correct");
    CHECK(good.metrics.at(0).value == Approx(-0.0014));
    const CheckResult alone = evaluate_clock({}, {}, {{"level-offset", "warning"}});
    CHECK(alone.status == Status::warning);
    CHECK_FALSE(alone.hint.empty());
    CHECK(alone.memory.contains("level-offset"));
}

TEST_CASE("clock: off by either side, by its thresholds", "[clock]") {
    for (const auto offset : {300'000us, -300'000us}) {
        const CheckResult off = evaluate_clock(kept_right(offset), {}, {});
        CHECK(off.status == Status::warning);
        CHECK(off.message.en == "the clock is 300 ms off");
        CHECK(evaluate_clock(kept_right(220'000us), {}, off.memory).status ==
              Status::warning); // not yet clear
    }
    CHECK(evaluate_clock(kept_right(220'000us), {}, {}).status == Status::ok);
}

TEST_CASE("clock: a leap second is said, and nothing to worry about", "[clock]") {
    TimeSync sync = kept_right(0us);
    sync.leap = TimeSync::Leap::insert;
    CHECK(evaluate_clock(sync, {}, {}).status == Status::ok);
    CHECK_THAT(evaluate_clock(sync, {}, {}).message.en, Catch::Contains("leap second"));
}

TEST_CASE("clock: this machine's kernel answers", "[clock]") {
    const Result<TimeSync> sync = SystemHost().time_sync();
    if (!sync) { // some containers forbid the question, and that is what is said
        CHECK(sync.error().kind == ErrorKind::permission);
        return;
    }
    CHECK(sync->synchronised == (sync->most_wrong < 16s));
}

#include "checks/thresholds.h"

#include <random>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

Amount percent(double value) {
    return {Amount::Unit::percent, value};
}
Amount number(double value) {
    return {Amount::Unit::number, value};
}

const Thresholds k_disk{percent(15), percent(5)};

Status free_space(double share, Status previous, const Thresholds& clear = {}) {
    return judge_thresholds({share, 100}, k_disk, clear, Direction::runs_out, previous);
}

} // namespace

TEST_CASE("what runs out is raised at the threshold and below it", "[thresholds]") {
    CHECK(free_space(15.01, Status::ok) == Status::ok);
    CHECK(free_space(15, Status::ok) == Status::warning);
    CHECK(free_space(5.01, Status::ok) == Status::warning);
    CHECK(free_space(5, Status::ok) == Status::critical);
    CHECK(free_space(0, Status::ok) == Status::critical);
}

TEST_CASE("what grows is raised at the threshold and above it", "[thresholds]") {
    const Thresholds queue{number(50), number(500)};
    const auto judge = [&](double length) {
        return judge_thresholds({length, std::nullopt}, queue, {}, Direction::grows, Status::ok);
    };
    CHECK(judge(49) == Status::ok);
    CHECK(judge(50) == Status::warning);
    CHECK(judge(500) == Status::critical);
}

TEST_CASE("a level is kept until a fifth of the threshold beyond it", "[thresholds]") {
    CHECK(free_space(17.9, Status::warning) == Status::warning);
    CHECK(free_space(18, Status::warning) == Status::ok);
    CHECK(free_space(5.9, Status::critical) == Status::critical);
    CHECK(free_space(6, Status::critical) == Status::warning);
    SECTION("critical that clears falls to a warning that is itself kept") {
        CHECK(free_space(17, Status::critical) == Status::warning);
        CHECK(free_space(18, Status::critical) == Status::ok);
    }
}

TEST_CASE("clear replaces the default", "[thresholds]") {
    const Thresholds clear{percent(30), std::nullopt};
    CHECK(free_space(29, Status::warning, clear) == Status::warning);
    CHECK(free_space(30, Status::warning, clear) == Status::ok);
    SECTION("a clear value on the wrong side never hides what is raised") {
        CHECK(free_space(10, Status::warning, {percent(5), std::nullopt}) == Status::warning);
    }
}

TEST_CASE("a share of everything can still clear", "[thresholds]") {
    const Thresholds nearly_all{percent(90), std::nullopt};
    CHECK(judge_thresholds({100, 100}, nearly_all, {}, Direction::runs_out, Status::warning) == Status::ok);
    CHECK(judge_thresholds({95, 100}, nearly_all, {}, Direction::runs_out, Status::warning) == Status::ok);
    CHECK(judge_thresholds({94, 100}, nearly_all, {}, Direction::runs_out, Status::warning) ==
          Status::warning);
    const Thresholds nearly_all_bytes{Amount{Amount::Unit::bytes, 900}, std::nullopt};
    CHECK(judge_thresholds({950, 1000}, nearly_all_bytes, {}, Direction::runs_out, Status::warning) ==
          Status::ok);
}

TEST_CASE("zero days left is a day like any other", "[thresholds]") {
    const Thresholds expires{std::nullopt, number(0)};
    CHECK(judge_thresholds({0, std::nullopt}, expires, {}, Direction::runs_out, Status::ok) ==
          Status::critical);
    CHECK(judge_thresholds({1, std::nullopt}, expires, {}, Direction::runs_out, Status::critical) ==
          Status::ok);
}

TEST_CASE("percent compares with the share, bytes with the value", "[thresholds]") {
    const Quantity seen{2e9, 20e9}; // 10%
    const Amount three_gigabytes{Amount::Unit::bytes, 3e9};
    CHECK(judge_thresholds(seen, {percent(10), std::nullopt}, {}, Direction::runs_out, Status::ok) ==
          Status::warning);
    CHECK(judge_thresholds(seen, {percent(9), std::nullopt}, {}, Direction::runs_out, Status::ok) ==
          Status::ok);
    CHECK(judge_thresholds(seen, {three_gigabytes, std::nullopt}, {}, Direction::runs_out, Status::ok) ==
          Status::warning);
    CHECK(in_units_of(seen, percent(10)) == Approx(2e9));
    CHECK(in_units_of(seen, three_gigabytes) == Approx(3e9));
    CHECK_FALSE(in_units_of(seen, std::nullopt).has_value());
}

TEST_CASE("the level is kept in the memory of the check, garbage there is no level", "[thresholds]") {
    const auto judge = [](double share, const std::map<std::string, std::string>& before) {
        std::map<std::string, std::string> after = before;
        const Status level =
            judge_thresholds({share, 100}, k_disk, {}, Direction::runs_out, "free", before, after);
        return std::pair(level, after);
    };
    const auto [first, memory] = judge(10, {});
    CHECK(first == Status::warning);
    CHECK(judge(17, memory).first == Status::warning);
    CHECK(judge(17, {}).first == Status::ok);
    CHECK(judge(17, {{"level-free", "\x01"}}).first == Status::ok);
    CHECK(judge(20, memory).second.empty());
}

TEST_CASE("thresholds, properties", "[thresholds]") {
    std::mt19937 random(20260122); // the same histories in every run
    std::uniform_real_distribution<double> share(0, 100);
    for (int round = 0; round < 2000; ++round) {
        const double a = share(random);
        const double b = share(random);
        const Thresholds raise{percent(std::max(a, b)), percent(std::min(a, b))};
        const double seen = share(random);
        const auto judge = [&](Status previous) {
            return judge_thresholds({seen, 100}, raise, {}, Direction::runs_out, previous);
        };
        INFO("warn " << raise.warn->value << " critical " << raise.critical->value << " seen " << seen);
        // Having been worse never makes it look better, and the second look at the same value changes
        // nothing.
        CHECK(worst(judge(Status::ok), judge(Status::warning)) == judge(Status::warning));
        CHECK(worst(judge(Status::warning), judge(Status::critical)) == judge(Status::critical));
        for (const Status previous : {Status::ok, Status::warning, Status::critical}) {
            CHECK(judge(judge(previous)) == judge(previous));
        }
    }
}

TEST_CASE("a share of nothing is not judged", "[thresholds]") {
    CHECK(judge_thresholds({0, 0}, k_disk, {}, Direction::runs_out, Status::critical) == Status::ok);
    CHECK(judge_thresholds({0, 0}, {number(1), number(0)}, {}, Direction::runs_out, Status::ok) ==
          Status::critical);
}

TEST_CASE("the worst of several things makes the message, of two that are as bad the first") {
    CheckResult result;
    result.status = Status::ok;
    result.message = verbatim("fine");
    raise(result, Status::ok, verbatim("fine, too"));
    CHECK(result.message.en == "fine");
    raise(result, Status::warning, verbatim("little"), verbatim("look"));
    CHECK(result.status == Status::warning);
    CHECK(result.message.en == "little");
    CHECK(result.hint.en == "look");
    raise(result, Status::warning, verbatim("old"), verbatim("elsewhere"));
    CHECK(result.message.en == "little");
    CHECK(result.hint.en == "look");
    raise(result, Status::critical, verbatim("none"));
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "none");
    CHECK(result.hint.empty());
}

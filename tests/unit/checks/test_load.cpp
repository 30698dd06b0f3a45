#include "checks/load.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

Amount number(double value) {
    return {Amount::Unit::number, value};
}

} // namespace

TEST_CASE("load is judged for each core") {
    CHECK(evaluate_load({{0.5, 0.6, 0.7}, 2}, {}, {}).status == Status::ok);
    CHECK(evaluate_load({{0.5, 0.6, 0.7}, 2}, {}, {}).message.ru ==
          "нагрузка 0.50 0.60 0.70 на 2 ядра (1, 5, 15 мин)");
    CHECK(evaluate_load({{9, 5.9, 1}, 2}, {}, {}).status == Status::ok);
    const CheckResult high = evaluate_load({{9, 6, 1}, 2}, {}, {});
    CHECK(high.status == Status::warning);
    CHECK(high.message.en == "the machine is overloaded: load 9.00 6.00 1.00 on 2 cores (1, 5, 15 min)");
    CHECK(high.remedy == Remedy::cannot_help);
    REQUIRE(high.metrics.size() == 3);
    CHECK(high.metrics[1].value == 3);
    CHECK(high.metrics[1].warn == 3);
}

TEST_CASE("each average has its own thresholds, the worst counts, and each clears by itself") {
    LoadSettings settings;
    settings.load1 = {number(4), number(8)};
    settings.load5 = {number(2), std::nullopt};
    const CheckResult bad = evaluate_load({{8, 2, 0}, 1}, settings, {});
    CHECK(bad.status == Status::critical);
    const CheckResult better = evaluate_load({{0, 1.7, 0}, 1}, settings, bad.memory);
    CHECK(better.status == Status::warning); // load5 clears at 1.6
    CHECK(evaluate_load({{0, 1.5, 0}, 1}, settings, better.memory).status == Status::ok);
}

#include "checks/pressure.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("pressure: what the machine has too little of") {
    const CheckResult calm = evaluate_pressure({99, 19, 59}, {}, {});
    CHECK(calm.status == Status::ok); // by default nothing is said of the CPU: it is there to be used
    CHECK(calm.message.ru == "ожидание за последнюю минуту: процессор 99%, память 19%, диск 59%");
    const CheckResult swapping = evaluate_pressure({10, 45.4, 80}, {}, {});
    CHECK(swapping.status == Status::warning);
    CHECK(swapping.message.en == "programs wait for memory: 45% of the last minute, the machine is swapping");
    CHECK(swapping.hint.en.find("rss") != std::string::npos);
    CHECK(swapping.remedy == Remedy::cannot_help);
    CHECK(evaluate_pressure({0, 0, 60}, {}, {}).message.en ==
          "programs wait for the disk: 60% of the last minute");
}

TEST_CASE("pressure: the worst of the three leads, and clears at its clear value") {
    PressureSettings settings;
    settings.cpu = {Amount{Amount::Unit::percent, 50}, Amount{Amount::Unit::percent, 90}};
    const CheckResult bad = evaluate_pressure({95, 30, 0}, settings, {});
    CHECK(bad.status == Status::critical);
    CHECK(bad.message.en == "programs wait for the CPU: 95% of the last minute");
    REQUIRE(bad.metrics.size() == 3);
    CHECK(bad.metrics[2].crit == 90);
    CHECK(evaluate_pressure({80, 0, 0}, settings, bad.memory).status == Status::critical);
    CHECK(evaluate_pressure({60, 0, 0}, settings, bad.memory).status == Status::warning);
    CHECK(evaluate_pressure({20, 0, 0}, settings, bad.memory).status == Status::ok);
}

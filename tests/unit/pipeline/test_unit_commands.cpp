#include "checks/http_words.h"
#include "machine.h"
#include "pipeline/unit_commands.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

const std::map<std::string, std::string> k_units{{"app.service", "backend"}, {"nginx.service", "nginx"}};

CheckPolicy check_of(std::string type, std::vector<std::string> needs) {
    CheckPolicy check;
    check.name = "site";
    check.type = std::move(type);
    check.common.needs = std::move(needs);
    return check;
}

CheckResult failure(HttpAnswer::Failure how) {
    HttpAnswer answer;
    answer.failure = how;
    HttpRequest request;
    request.url = "http://127.0.0.1:8000/";
    return http_failure(answer, request).value_or(CheckResult{});
}

std::string commands(const CheckPolicy& check, CheckResult seen, const std::vector<Rung>& ladder = {}) {
    const std::string before = seen.hint.en;
    name_commands(check, k_units, ladder, seen);
    return seen.hint.en.substr(before.size());
}

} // namespace

TEST_CASE("A service that hangs or is not there: the hint names the commands to look with") {
    const CheckResult refused = failure(HttpAnswer::Failure::refused);
    CHECK(commands(check_of("http", {"backend"}), refused) ==
          "; systemctl status app.service; journalctl -u app.service -n 50 --no-pager");
    CHECK(commands(check_of("http", {"redis"}), refused).empty());

    Outside outside;
    Rung rung;
    rung.when = {"site"};
    rung.doing = std::make_shared<Restart>(outside);
    CHECK(commands(check_of("http", {}), refused, {rung}) == "; systemctl status nginx");
    rung.doing = std::make_shared<Restart>(outside, "/srv/site");
    CHECK(commands(check_of("http", {}), refused, {rung}).empty());

    CheckResult port;
    port.status = Status::critical;
    CHECK(commands(check_of("tcp", {"nginx"}), port) ==
          "systemctl status nginx.service; journalctl -u nginx.service -n 50 --no-pager");
}

TEST_CASE("Where the service answers, no unit is named") {
    CheckResult wrong;
    wrong.status = Status::critical;
    wrong.hint = verbatim("look at the log");
    CHECK(commands(check_of("http", {"backend"}), wrong).empty());
    CHECK(commands(check_of("tcp", {"backend"}), wrong).empty());
    CheckResult good;
    good.status = Status::ok;
    CHECK(commands(check_of("tcp", {"backend"}), good).empty());
}

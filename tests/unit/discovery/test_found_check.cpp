// What was found, from run to run: names that stay, a memory that fades, and that believes nothing odd.
#include "discovery/found_check.h"
#include "util/text.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

const WallTime k_now = *parse_utc("2026-01-22T10:00:00Z");

FoundCheck found(std::string name, std::string about) {
    FoundCheck check;
    check.name = std::move(name);
    check.about = std::move(about);
    check.type = "systemd";
    check.last_seen = k_now;
    return check;
}

bool nobody_wishes(const FoundCheck&) {
    return false;
}

std::vector<std::string> names(const Discovered& discovered) {
    std::vector<std::string> all;
    for (const FoundCheck& check : discovered.checks) {
        all.push_back(check.name);
    }
    return all;
}

} // namespace

TEST_CASE("names are valid, unique, and stay whatever comes later") {
    CHECK(name_from("postgresql@15-main") == "postgresql-15-main");
    CHECK(name_from("Teaching_Panel") == "teaching_panel");
    CHECK(name_from("--x--") == "x");
    CHECK(name_from("_") == "found");
    CHECK(name_from("") == "found");
    CHECK(name_from("сайт.рф") == "found");
    CHECK(is_name(name_from(std::string(300, 'a'))));

    Discovered first;
    first.checks = {found("app", "unit b.service"), found("app", "unit c.service")};
    give_names(first, {});
    CHECK(names(first) == std::vector<std::string>{"app", "app-2"});
    Discovered second;
    second.checks = {found("app", "unit a.service"), found("app", "unit c.service"),
                     found("app", "unit b.service")};
    give_names(second, first);
    CHECK(names(second) == std::vector<std::string>{"app-3", "app-2", "app"});
}

TEST_CASE("what is gone is remembered for a week, unless somebody wished it gone") {
    Discovered known;
    known.checks = {found("nginx", "unit nginx.service"), found("site", "site a.org")};
    CHECK(names(remember(known, {}, k_now + 6 * 24h, nobody_wishes)).size() == 2);
    CHECK(remember(known, {}, k_now + 8 * 24h, nobody_wishes).checks.empty());
    const auto sites = [](const FoundCheck& check) { return check.about == "site a.org"; };
    CHECK(names(remember(known, {}, k_now, sites)) == std::vector<std::string>{"nginx"});
    // The clock was set back: not of the future, so that it does fade.
    CHECK(remember(known, {}, k_now - 48h, nobody_wishes).checks[0].last_seen == k_now - 48h);
}

TEST_CASE("an unchanged sight is written once an hour, a changed one at once") {
    Discovered known;
    known.checks = {found("nginx", "unit nginx.service")};
    Discovered seen;
    seen.checks = {found("whatever", "unit nginx.service")};
    CHECK(remember(known, seen, k_now + 1min, nobody_wishes).checks == known.checks);
    CHECK(remember(known, seen, k_now + 2h, nobody_wishes).checks[0].last_seen == k_now + 2h);
    seen.checks[0].keys = {{"unit", "\"x\""}};
    CHECK(remember(known, seen, k_now + 1min, nobody_wishes).checks[0].last_seen == k_now + 1min);
}

TEST_CASE("what is kept is read as it was written") {
    Discovered known;
    FoundCheck check = found("site", "site a.org");
    check.keys = {{"url", toml_text("http://a.org/\"\\\n")}, {"follow", "false"}};
    check.needs = {"unit nginx.service"};
    check.why = {"english", "по-русски"};
    check.settled = false;
    check.gone = FoundCheck::Gone::wish;
    known.checks = {check};
    CHECK(discovered_from_json(to_json(known)).checks == known.checks);
}

TEST_CASE("a memory that is odd is none") {
    const std::string good = to_json([] {
        Discovered one;
        one.checks = {found("nginx", "unit nginx.service")};
        return one;
    }());
    REQUIRE(discovered_from_json(good).checks.size() == 1);
    const auto with = [&](const std::string& what, const std::string& instead) {
        std::string text = good;
        REQUIRE(text.find(what) != std::string::npos);
        text.replace(text.find(what), what.size(), instead);
        return discovered_from_json(text).checks.size();
    };
    CHECK(with("\"name\":\"nginx\"", "\"name\":\"ng]inx\"") == 0);
    CHECK(with("\"keys\":[]", "\"keys\":[\"a\"]") == 0);
    CHECK(with("\"keys\":[],", "\"keys\":[\"a\"],\"values\":[\"1\\n[[health.recovery]]\"],") == 0);
    CHECK(with("2026-01-22", "2026-13-22") == 0);
    CHECK(with("\"schema\":2", "\"schema\":1") == 0);
    CHECK(with("\"schema\":2", "\"schema\":\"2\"") == 0);
    for (std::size_t size = 0; size < good.size() - 2; ++size) { // torn
        CHECK(discovered_from_json(std::string_view(good).substr(0, size)).checks.empty());
    }
    CHECK(discovered_from_json(std::string(100'000, '[')).checks.empty());
}

TEST_CASE("texts as TOML has them") {
    CHECK(toml_text("a\"b\\c\n\x7F") == "\"a\\\"b\\\\c\\u000A\\u007F\"");
    CHECK(toml_text("\xFF") == "\"\xEF\xBF\xBD\"");
    CHECK(toml_list({"a", "b"}) == "[\"a\", \"b\"]");
}

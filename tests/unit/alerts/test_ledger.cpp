#include "alerts/ledger.h"
#include "news_samples.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

Ledger::Told told(Event event, WallTime time) {
    return {event, time, {"epochs", 12}, "health/site", Level::warning, time - 5min, "site: HTTP 403"};
}

Ledger sample_ledger() {
    const Now now = sample_now();
    Ledger ledger;
    ledger.openings["ABCDEF"] = {77, now.wall};
    ledger.told["ABCDEF"] = told(Event::needs_person, now.wall);
    ledger.keys["backup"] = now.wall;
    ledger.delivered = {"a", "b"};
    ledger.begun = {"c"};
    ledger.revision = 3;
    ledger.moved_from = "-5";
    ledger.moved_to = "-1005";
    ledger.address = "149.154.167.220";
    ledger.torn = {{"0000001", "0000002"}, "00ff00ff00ff00ff", 77};
    ledger.trouble = {3,
                      now,
                      40s,
                      true,
                      Now{now.wall - 5min, now.boot - 5min, now.boot_id},
                      true,
                      {"down", "лежит"},
                      {"look", "смотреть"},
                      "0123456789abcdef"};
    return ledger;
}

} // namespace

TEST_CASE("a ledger survives being written and read") {
    CHECK(to_json(ledger_from_json(to_json(sample_ledger()))) == to_json(sample_ledger()));
}

TEST_CASE("whatever stands in the file, a ledger comes out of it") {
    const std::string whole = to_json(sample_ledger());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CHECK(ledger_from_json(whole.substr(0, length)).told.empty());
    }
    const Ledger odd = ledger_from_json(
        R"({"openings":[1],"told":{"A":{"event":"gone"},"B":7},"keys":{"k":"x"},"delivered":[1,"n"],"trouble":7})");
    CHECK(odd.openings.empty());
    CHECK(odd.told.empty());
    CHECK(odd.delivered == std::vector<std::string>{"n"});
    CHECK(odd.trouble.failures == 0);
}

TEST_CASE("no file can silence a channel for long") {
    CHECK(ledger_from_json(R"({"trouble":{"wait":9000000000000000000}})").trouble.wait == Duration(1h));
    CHECK(ledger_from_json(R"({"trouble":{"wait":-1}})").trouble.wait == Duration(0));
    CHECK(ledger_from_json(R"({"trouble":{"wait":40000}})").trouble.wait == Duration(40s));
}

TEST_CASE("waiting ends on time, after a reboot, and when the clock is set back") {
    Ledger ledger = sample_ledger();
    Now later = sample_now();
    later.boot += 10s;
    CHECK(ledger.must_wait(later) == Duration(30s));
    later.wall -= 24h; // the wall clock means nothing within one boot
    CHECK(ledger.must_wait(later) == Duration(30s));
    later.boot += 30s;
    CHECK_FALSE(ledger.must_wait(later));

    Now rebooted = sample_now();
    rebooted.boot_id = "boot-2";
    rebooted.boot = 1min;
    rebooted.wall += 10s;
    CHECK(ledger.must_wait(rebooted) == Duration(30s));
    rebooted.wall -= 365 * 24h;
    CHECK_FALSE(ledger.must_wait(rebooted));

    ledger.trouble = {};
    CHECK_FALSE(ledger.must_wait(later));
}

TEST_CASE("old entries go, many entries are bounded, entries from the future stay") {
    Ledger ledger;
    const WallTime now = sample_now().wall;
    ledger.told["old"] = told(Event::resolved, now - 8 * 24h);
    ledger.told["open"] = told(Event::opened, now - 80 * 24h);
    ledger.told["week"] = told(Event::opened, now - 6 * 24h);
    ledger.told["future"] = told(Event::opened, now + 24h);
    ledger.openings["month"] = {1, now - 30 * 24h};
    ledger.keys["hour"] = now - 61min;
    for (int i = 0; i < 2000; ++i) {
        ledger.openings[std::to_string(i)] = {i, now - std::chrono::seconds(i)};
        ledger.delivered.push_back(std::to_string(i));
    }
    ledger.forget_old(now, 1h);
    CHECK(ledger.told.size() == 3);
    CHECK(ledger.told.contains("future"));
    CHECK(ledger.openings.size() == 1000);
    CHECK(ledger.openings.contains("0"));
    CHECK(ledger.keys.empty());
    CHECK(ledger.delivered.size() == 500);
    CHECK(ledger.delivered.back() == "1999");
}

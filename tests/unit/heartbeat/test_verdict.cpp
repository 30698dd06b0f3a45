#include "heartbeat/verdict.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::heartbeat;
using OnSiteDown = HeartbeatSettings::OnSiteDown;
using Outside = Verdict::Outside;

namespace {

const Text k_down = verbatim("HTTP 502");

Facts down(bool told) {
    return {k_down, told, {}};
}

} // namespace

TEST_CASE("all is well: a ping without a body", "[verdict]") {
    const Verdict verdict = judge({}, OnSiteDown::silent);
    CHECK(verdict.status == 0);
    REQUIRE(verdict.ping(Lang::en));
    CHECK(verdict.ping(Lang::en)->signal == Ping::Signal::success);
    CHECK(verdict.ping(Lang::en)->body.empty());
}

TEST_CASE("the site is down: what is told outside is what was asked for", "[verdict]") {
    const struct {
        OnSiteDown wish;
        bool told;
        Outside outside;
    } rows[] = {
        {OnSiteDown::silent, false, Outside::told_nothing}, {OnSiteDown::silent, true, Outside::told_nothing},
        {OnSiteDown::ping, false, Outside::told_nothing},   {OnSiteDown::ping, true, Outside::told_well},
        {OnSiteDown::fail, false, Outside::told_failed},    {OnSiteDown::fail, true, Outside::told_failed},
    };
    for (const auto& row : rows) {
        CAPTURE(static_cast<int>(row.wish), row.told);
        const Verdict verdict = judge(down(row.told), row.wish);
        CHECK(verdict.outside == row.outside);
        CHECK(verdict.status == 1);
        CHECK(verdict.ping(Lang::en).has_value() == (row.outside != Outside::told_nothing));
        CHECK_THAT(verdict.words.en, Catch::Contains("HTTP 502"));
    }
}

TEST_CASE("a ping in spite of a site that is down says so", "[verdict]") {
    const Verdict verdict = judge(down(true), OnSiteDown::ping);
    REQUIRE(verdict.ping(Lang::ru));
    CHECK_THAT(verdict.ping(Lang::ru)->body, Catch::Contains("сайт не работает: HTTP 502"));
    CHECK_THAT(verdict.ping(Lang::ru)->body, Catch::Contains("оператор оповещён"));
}

TEST_CASE("a suite that is broken is a failure, whatever is said of the site", "[verdict]") {
    for (const OnSiteDown wish : {OnSiteDown::silent, OnSiteDown::ping, OnSiteDown::fail}) {
        for (const Text& site : {Text{}, k_down}) {
            const Verdict verdict = judge({site, true, {verbatim("cron is dead"), verbatim("outbox")}}, wish);
            CHECK(verdict.outside == Outside::told_failed);
            CHECK(verdict.status == 2);
            const std::string body = verdict.ping(Lang::en)->body;
            CHECK_THAT(body, Catch::StartsWith("cron is dead\noutbox"));
            CHECK((body.find("HTTP 502") != body.npos) == !site.empty());
        }
    }
}

#include "heartbeat/ping.h"
#include "support/bare_world.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::heartbeat;
using namespace std::chrono_literals;
using Signal = Ping::Signal;

namespace {

const std::string k_url = "https://hc.example.org/ping/7e5e2f52";

struct Place {
    BareWorld bare;
    World& world = bare.world;
    PingMemory memory;
    Duration timeout = 10s;

    PingOutcome send(const Ping& ping, Duration within = 19s) {
        Pinger pinger(world, Secret(k_url), timeout, memory);
        return pinger.send(ping, bare.clock.steady() + within);
    }
    const std::vector<HttpRequest>& asked() { return bare.http.requests(); }
};

} // namespace

TEST_CASE("where a signal goes", "[ping]") {
    CHECK(address_of(k_url, {}) == k_url);
    CHECK(address_of(k_url, {Signal::start, 0, {}, {}}) == k_url + "/start");
    CHECK(address_of(k_url, {Signal::fail, 0, {}, {}}) == k_url + "/fail");
    CHECK(address_of(k_url, {Signal::exit_status, 137, {}, {}}) == k_url + "/137");
    CHECK(address_of(k_url + "/", {Signal::fail, 0, {}, {}}) == k_url + "/fail");
    CHECK(address_of(k_url + "/", {}) == k_url + "/");
    CHECK(address_of(k_url + "?create=1", {Signal::fail, 0, "abc", {}}) == k_url + "/fail?create=1&rid=abc");
    CHECK(address_of(k_url + "?", {Signal::success, 0, "abc", {}}) == k_url + "?rid=abc");
    CHECK(address_of(k_url + "#top", {Signal::start, 0, "abc", {}}) == k_url + "/start?rid=abc");
}

TEST_CASE("one attempt is enough where it arrives", "[ping]") {
    Place place;
    place.bare.http.on(k_url, page(200, "OK"));
    CHECK(place.send({}).arrived);
    REQUIRE(place.asked().size() == 1);
    CHECK(place.asked()[0].method == "GET");
    CHECK(place.asked()[0].body.empty());
}

TEST_CASE("what may pass is tried three times, and no longer than there is time", "[ping]") {
    Place place;
    SECTION("a server in trouble") {
        place.bare.http.on(k_url, page(503));
    }
    SECTION("nobody there") {
        place.bare.http.on(k_url, failed(HttpAnswer::Failure::refused));
    }
    SECTION("too many pings") {
        place.bare.http.on(k_url, page(429));
    }
    SECTION("a server that hangs") {
        place.bare.http.on_any([&](const HttpRequest& request) {
            CHECK(request.timeout <= 19s);
            place.bare.clock.sleep_for(request.timeout);
            return failed(HttpAnswer::Failure::timeout, HttpAnswer::Phase::first_byte);
        });
    }
    const SteadyTime start = place.bare.clock.steady();
    const PingOutcome outcome = place.send({});
    CHECK_FALSE(outcome.arrived);
    CHECK(outcome.attempts == 3);
    CHECK(place.asked().size() == 3);
    CHECK(place.bare.clock.steady() - start <= 19s);
    CHECK_FALSE(outcome.problem.empty());
}

TEST_CASE("the second attempt may arrive", "[ping]") {
    Place place;
    int asked = 0;
    place.bare.http.on_any([&](const HttpRequest&) { return page(++asked == 1 ? 502 : 200, "OK"); });
    const PingOutcome outcome = place.send({});
    CHECK(outcome.arrived);
    CHECK(outcome.attempts == 2);
}

TEST_CASE("what nobody waits for is not asked again", "[ping]") {
    Place place;
    SECTION("no such check") {
        place.bare.http.on(k_url, page(404, "not found"));
    }
    SECTION("no such check, said with 200") {
        place.bare.http.on(k_url, page(200, "OK (not found)"));
    }
    SECTION("not counted, said with 200") {
        place.bare.http.on(k_url, page(200, "OK (rate limited)"));
    }
    SECTION("another server") {
        place.bare.http.on(k_url, page(405));
    }
    SECTION("redirects without end") {
        place.bare.http.on(k_url, failed(HttpAnswer::Failure::redirects));
    }
    const PingOutcome outcome = place.send({});
    CHECK_FALSE(outcome.arrived);
    CHECK(outcome.attempts == 1);
    CHECK_FALSE(outcome.problem.ru.empty());
    CHECK_FALSE(outcome.hint.empty());
}

TEST_CASE("the end of a long body is sent, as much as the server takes", "[ping]") {
    Place place;
    place.bare.http.on(k_url + "/fail", page(200, "OK", {{"ping-body-limit", "20"}}));
    place.send({Signal::fail, 0, {}, std::string(50'000, 'a') + "the error"});
    place.send({Signal::fail, 0, {}, "ёёёёёёёёёёёёёёё, the error"});
    REQUIRE(place.asked().size() == 2);
    CHECK(place.asked()[0].method == "POST");
    CHECK(place.asked()[0].body.size() == 10'000);
    CHECK(place.asked()[0].body.ends_with("the error"));
    CHECK(place.memory.body_limit == Bytes{20});
    CHECK(place.asked()[1].body == "ёёёё, the error"); // 19 bytes: no half of a letter
}

TEST_CASE("a limit that is none changes nothing", "[ping]") {
    Place place;
    for (const char* limit : {"", "many", "-1", "99999999999999999999999"}) {
        place.bare.http.on(k_url, page(200, "OK", {{"ping-body-limit", limit}}));
        place.send({});
        CHECK(place.memory.body_limit == Bytes{10'000});
    }
}

TEST_CASE("a server whose name is not resolved is asked by the address it had", "[ping]") {
    Place place;
    place.bare.http.on_any([](const HttpRequest& request) {
        HttpAnswer answer = request.resolve.empty()
                                ? failed(HttpAnswer::Failure::dns_timeout, HttpAnswer::Phase::dns)
                                : page(200, "OK");
        answer.address = "203.0.113.7:443";
        return answer;
    });
    CHECK_FALSE(place.send({}).arrived); // never seen: there is no address
    place.memory.address = "203.0.113.7";
    CHECK(place.send({}).arrived);
    CHECK(place.asked().back().resolve == "203.0.113.7");
    CHECK(place.memory.address == "203.0.113.7");
}

// What a peer that is no Redis, or a broken one, can do to us. The real server is for tests/integration.
#include "platform/redis.h"
#include "support/fake_redis.h"
#include "support/hostile_server.h"
#include "support/no_more_files.h"

#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::string repeated(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) {
        all += text;
    }
    return all;
}

// To a peer that sends `bytes` whatever it is asked.
Result<RedisReply> ask(const std::string& bytes, Duration timeout = 10s) {
    HostileServer server([&](Connection& peer) {
        peer.send(bytes);
        peer.wait_until_gone();
    });
    HiredisConnector connector;
    auto connection = connector.connect(Secret(fmt::format("redis://127.0.0.1:{}", server.port())), timeout);
    REQUIRE(connection.ok());
    return (*connection)->command({"PING"});
}

ErrorKind refused_as(const std::string& bytes, Duration timeout = 10s) {
    const Result<RedisReply> reply = ask(bytes, timeout);
    REQUIRE_FALSE(reply.ok());
    INFO(reply.error().message);
    return reply.error().kind;
}

} // namespace

TEST_CASE("redis: an answer within bounds comes whole, nested or not", "[redis]") {
    const Result<RedisReply> reply = ask("*3\r\n:7\r\n*2\r\n$2\r\nhi\r\n$-1\r\n+OK\r\n");
    REQUIRE(reply.ok());
    REQUIRE(reply->items.size() == 3);
    CHECK(reply->items[0].integer == 7);
    REQUIRE(reply->items[1].items.size() == 2);
    CHECK(reply->items[1].items[0].text == "hi");
    CHECK(reply->items[1].items[1].type == RedisReply::Type::nil);
    CHECK(reply->items[2].text == "OK");
    const Result<RedisReply> many = ask("*100000\r\n" + repeated("+\r\n", 100'000));
    REQUIRE(many.ok());
    CHECK(many->items.size() == 100'000);
}

TEST_CASE("redis: an answer that announces too much is refused before memory is set aside for it",
          "[redis]") {
    CHECK(refused_as("*100001\r\n") == ErrorKind::too_large);
    CHECK(refused_as(repeated("*100000000\r\n", 7)) == ErrorKind::too_large);
    CHECK(refused_as(repeated("*60000\r\n", 2)) == ErrorKind::too_large); // together
}

TEST_CASE("redis: an answer of many parts is bounded as a whole", "[redis]") {
    const std::string part = "$1000000\r\n" + std::string(1'000'000, 'x') + "\r\n";
    CHECK(refused_as("*10\r\n" + repeated(part, 9)) == ErrorKind::too_large);
    CHECK(refused_as("+" + std::string(5'000'000, 'x')) == ErrorKind::too_large);
    CHECK(refused_as(repeated("*1\r\n", 20)) == ErrorKind::protocol); // deeper than hiredis goes
}

TEST_CASE("redis: silence and nonsense", "[redis]") {
    CHECK(refused_as("", 200ms) == ErrorKind::timeout);
    CHECK(refused_as("*2\r\n+half", 200ms) == ErrorKind::timeout);
    CHECK(refused_as("HTTP/1.1 400 Bad Request\r\n\r\n") == ErrorKind::protocol);
}

TEST_CASE("redis: who lets nobody in has not refused the password", "[redis]") {
    const auto refused_login = [](const std::string& answer) {
        HostileServer server([&](Connection& peer) {
            peer.send(answer);
            peer.wait_until_gone();
        });
        HiredisConnector connector;
        const auto connection =
            connector.connect(Secret(fmt::format("redis://:made-up@127.0.0.1:{}", server.port())), 10s);
        REQUIRE_FALSE(connection.ok());
        return connection.error().kind;
    };
    CHECK(refused_login("-ERR max number of clients reached\r\n") == ErrorKind::busy);
    CHECK(refused_login("-DENIED Redis is running in protected mode\r\n") == ErrorKind::busy);
    CHECK(refused_login("-ERR invalid password\r\n") == ErrorKind::permission);
    CHECK(refused_login("-WRONGPASS invalid username-password pair\r\n") == ErrorKind::permission);
}

TEST_CASE("redis: the time limit is that of all commands together", "[redis]") {
    HostileServer server([](Connection& peer) {
        while (peer.send("+PONG\r\n")) {
            std::this_thread::sleep_for(100ms);
        }
    });
    HiredisConnector connector;
    auto connection = connector.connect(Secret(fmt::format("redis://127.0.0.1:{}", server.port())), 300ms);
    REQUIRE(connection.ok());
    int answers = 0;
    Result<RedisReply> reply = redis_status("PONG");
    while (reply.ok() && answers < 100) {
        reply = (*connection)->command({"PING"});
        answers += reply.ok() ? 1 : 0;
    }
    CHECK(answers < 10); // the last begins before 300 ms are over
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().kind == ErrorKind::timeout);
}

TEST_CASE("redis: a connection that cannot be tried is our own fault, a name that is not found is not",
          "[redis]") {
    HiredisConnector connector;
    CHECK(connector.connect(Secret("redis://no..host"), 10s).error().kind == ErrorKind::not_found);
    CHECK(connector.connect(Secret(fmt::format("redis://localhost:{}", closed_port())), 10s).error().kind ==
          ErrorKind::io);
    CHECK(connector.connect(Secret("unix:///nonexistent/redis.sock"), 10s).error().kind == ErrorKind::io);
    for (const char* url : {"redis://127.0.0.1:1", "unix:///nonexistent/redis.sock"}) {
        const auto connection = without_more_files([&] { return connector.connect(Secret(url), 10s); });
        REQUIRE_FALSE(connection.ok());
        INFO(connection.error().message);
        CHECK(connection.error().kind == ErrorKind::internal);
    }
}

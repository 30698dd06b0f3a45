#include "checks/tcp.h"
#include "support/bare_world.h"
#include "support/hostile_server.h"
#include "support/no_more_files.h"

#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = TcpSample::Failure;
using Phase = TcpSample::Phase;

namespace {

TcpSettings settings_with(const std::string& expect) {
    TcpSettings settings;
    settings.address = "mail.example:25";
    settings.expect = expect;
    return settings;
}

TcpSample failed(Failure failure, Phase phase = Phase::connecting) {
    TcpSample sample;
    sample.failure = failure;
    sample.phase = phase;
    sample.detail = "the system's words";
    return sample;
}

TcpSample answered(const std::string& answer) {
    TcpSample sample;
    sample.phase = Phase::reading;
    sample.answer = answer;
    sample.took = 7ms;
    return sample;
}

TcpSample probe(std::uint16_t port, const std::string& send, const std::string& expect,
                Duration timeout = 10s) {
    return tcp_probe({fmt::format("127.0.0.1:{}", port), Secret(send), expect, timeout});
}

void send_without_end(Connection& peer) {
    const std::string piece(4096, 'x');
    while (peer.send(piece)) {
    }
}

} // namespace

TEST_CASE("tcp: connected, and the answer holds what is expected", "[tcp]") {
    const CheckResult connected = evaluate_tcp(answered(""), settings_with(""));
    CHECK(connected.status == Status::ok);
    CHECK(connected.message.en == "connected in 7 ms");
    CHECK(connected.metrics.at(0).value == Approx(0.007));
    CHECK(evaluate_tcp(answered("220 mail.example ESMTP"), settings_with("ESMTP")).status == Status::ok);
}

TEST_CASE("tcp: every failure is critical and has words in both languages", "[tcp]") {
    for (const Failure failure :
         {Failure::name, Failure::refused, Failure::unreachable, Failure::timeout, Failure::broken}) {
        const CheckResult result = evaluate_tcp(failed(failure), settings_with(""));
        CHECK(result.status == Status::critical);
        CHECK_FALSE(result.message.ru.empty());
        CHECK((result.remedy == Remedy::outside_host) ==
              (failure == Failure::name || failure == Failure::unreachable));
        CHECK(result.metrics.empty());
    }
}

TEST_CASE("tcp: the message says in which phase time ran out", "[tcp]") {
    const auto words = [](Phase phase, const std::string& answer) {
        TcpSample sample = failed(Failure::timeout, phase);
        sample.answer = answer;
        return evaluate_tcp(sample, settings_with("ESMTP")).message.en;
    };
    CHECK(words(Phase::connecting, "") == "no connection to mail.example:25 within 5 s");
    CHECK_THAT(words(Phase::sending, ""), Catch::Contains("did not take"));
    CHECK_THAT(words(Phase::reading, ""), Catch::Contains("did not answer within 5 s"));
    CHECK_THAT(words(Phase::reading, "220 wait"), Catch::Contains("“ESMTP”") && Catch::Contains("220 wait"));
}

TEST_CASE("tcp: an answer without what is expected is shown, cleaned and shortened", "[tcp]") {
    const CheckResult other = evaluate_tcp(answered("554 no\r\n\x1b[31mgo"), settings_with("220"));
    CHECK(other.status == Status::critical);
    CHECK_THAT(other.message.en, Catch::Contains("lacks “220”") && Catch::Contains("554 no ?[31mgo"));
    CHECK(evaluate_tcp(answered(std::string(60'000, 'x')), settings_with("220")).message.en.size() < 300);
    CHECK_THAT(evaluate_tcp(answered(""), settings_with("220")).message.en,
               Catch::Contains("closed the connection without an answer"));
}

TEST_CASE("tcp probe: no connection", "[tcp]") {
    SECTION("nobody listens") {
        const TcpSample sample = probe(closed_port(), "", "");
        CHECK(sample.failure == Failure::refused);
        CHECK_THAT(sample.detail, Catch::Contains("Connection refused"));
    }
    SECTION("neither accepted nor refused") {
        const FullPort port;
        const TcpSample sample = probe(port.port(), "", "", 100ms);
        CHECK(sample.failure == Failure::timeout);
        CHECK(sample.phase == Phase::connecting);
    }
    SECTION("no such name") {
        CHECK(tcp_probe({"no..host:80", Secret(), "", 10s}).failure == Failure::name);
    }
}

TEST_CASE("tcp probe: what is expected comes", "[tcp]") {
    SECTION("nothing is expected: nobody waits for an answer") {
        HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
        CHECK(probe(server.port(), "", "").failure == Failure::none);
        CHECK(probe(server.port(), "QUIT\r\n", "").failure == Failure::none);
    }
    SECTION("in two pieces, cut in what is expected") {
        HostileServer server([](Connection& peer) {
            peer.send("220 mail.example ES");
            std::this_thread::sleep_for(50ms);
            peer.send("MTP\r\n");
            peer.wait_until_gone();
        });
        const TcpSample sample = probe(server.port(), "", "ESMTP");
        CHECK(sample.failure == Failure::none);
        CHECK_THAT(sample.answer, Catch::Contains("ESMTP"));
    }
    SECTION("after something was sent") {
        HostileServer server([](Connection& peer) {
            peer.send("you said: " + peer.read_request());
            peer.wait_until_gone();
        });
        CHECK_THAT(probe(server.port(), "PING\r\n\r\n", "PING").answer, Catch::Contains("you said: PING"));
    }
}

TEST_CASE("tcp probe: what is expected does not come", "[tcp]") {
    SECTION("silence") {
        HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
        const TcpSample sample = probe(server.port(), "PING\r\n", "PONG", 200ms);
        CHECK(sample.failure == Failure::timeout);
        CHECK(sample.phase == Phase::reading);
        CHECK(sample.answer.empty());
    }
    SECTION("closed early") {
        HostileServer server([](Connection& peer) { peer.send("22"); });
        const TcpSample sample = probe(server.port(), "", "220");
        CHECK(sample.failure == Failure::none);
        CHECK(sample.answer == "22");
    }
    SECTION("closed at once") {
        HostileServer server([](Connection&) {});
        CHECK(probe(server.port(), "", "220").answer.empty());
    }
    SECTION("an answer without end: its first 64 kB") {
        HostileServer server(send_without_end);
        const TcpSample sample = probe(server.port(), "", "220");
        CHECK(sample.failure == Failure::none);
        CHECK(sample.answer.size() == k_most_tcp_answer.count);
    }
    SECTION("byte by byte: the deadline is that of the whole exchange") {
        HostileServer server([](Connection& peer) {
            while (peer.send("x")) {
                std::this_thread::sleep_for(20ms);
            }
        });
        const TcpSample sample = probe(server.port(), "", "220", 200ms);
        CHECK(sample.failure == Failure::timeout);
        CHECK_FALSE(sample.answer.empty());
    }
    SECTION("a peer that does not read") {
        HostileServer server(send_without_end);
        const TcpSample sample = probe(server.port(), std::string(64'000'000, 'x'), "220", 500ms);
        CHECK(sample.failure == Failure::timeout);
        CHECK(sample.phase == Phase::sending);
    }
}

TEST_CASE("tcp: where nobody could be asked nothing is known", "[tcp]") {
    const CheckResult result = evaluate_tcp(failed(Failure::own_fault), settings_with(""));
    CHECK(result.status == Status::unknown);
    CHECK(result.message.en == "unable to ask mail.example:25: the system's words");
    const NoMoreFiles none;
    CHECK(probe(1, "", "").failure == Failure::own_fault);
}

TEST_CASE("tcp: the address is said once, the system's words in both languages", "[tcp]") {
    TcpSample sample = failed(Failure::refused);
    sample.detail = "Connection refused";
    const CheckResult result = evaluate_tcp(sample, settings_with(""));
    CHECK(result.message.en == "no connection to mail.example:25: Connection refused");
    CHECK(result.message.ru == "нет соединения с mail.example:25: в соединении отказано");
}

TEST_CASE("tcp: what is sent is a secret, also where it is echoed", "[tcp]") {
    TcpSettings settings = settings_with("+OK");
    settings.send = Secret("AUTH tr0mbone\r\n");
    const CheckResult result = evaluate_tcp(answered("-ERR AUTH tr0mbone\r\nrefused"), settings);
    CHECK_THAT(result.message.en, !Catch::Contains("tr0mbone") && Catch::Contains("refused"));
}

TEST_CASE("tcp: the end of the run comes before the end of the check's own time", "[tcp]") {
    HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
    TcpSettings settings = settings_with("220");
    settings.address = fmt::format("127.0.0.1:{}", server.port());
    BareWorld bare;
    const std::map<std::string, std::string> memory;
    const auto run = [&](Duration timeout, Duration left) {
        settings.timeout = timeout;
        const auto check = tcp_check_type().make(&settings);
        return dynamic_cast<const BlockingCheck&>(*check).run(
            {bare.world, bare.clock.now(), bare.clock.steady() + left, memory});
    };
    CHECK(run(1h, 100ms).status == Status::unknown); // silence so far says nothing
    CHECK(run(1h, -1s).status == Status::unknown);
    CHECK(run(100ms, 1h).status == Status::critical);
}

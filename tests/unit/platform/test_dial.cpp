#include "platform/dial.h"
#include "support/hostile_server.h"
#include "support/no_more_files.h"

#include <cerrno>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = Dialled::Failure;

namespace {

SteadyTime in(Duration time) {
    return std::chrono::steady_clock::now() + time;
}

std::string loopback(std::uint16_t port) {
    return fmt::format("127.0.0.1:{}", port);
}

void greet(Connection& peer) {
    peer.send("hello");
    peer.wait_until_gone();
}

} // namespace

TEST_CASE("dial: to a port that listens", "[dial]") {
    HostileServer server(greet);
    const Dialled dialled = dial(loopback(server.port()), in(10s));
    CHECK(dialled.failure == Failure::none);
    REQUIRE(dialled.fd.valid());
    CHECK((::fcntl(dialled.fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(dialled.fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    REQUIRE(wait_until_ready(dialled.fd.get(), POLLIN, in(10s)));
    char first = 0;
    CHECK(::read(dialled.fd.get(), &first, 1) == 1);
    CHECK(first == 'h');
}

TEST_CASE("dial: a name is looked up, and the next of its addresses tried", "[dial]") {
    HostileServer server(greet); // on 127.0.0.1 only; localhost is often ::1 first
    CHECK(dial(fmt::format("localhost:{}", server.port()), in(10s)).fd.valid());
    const Dialled unknown = dial("no..host:80", in(10s));
    CHECK(unknown.failure == Failure::name);
    CHECK_FALSE(unknown.fd.valid());
    CHECK_FALSE(unknown.detail.empty());
}

TEST_CASE("dial: nobody listens", "[dial]") {
    const std::string address = loopback(closed_port());
    const Dialled dialled = dial(address, in(10s));
    CHECK(dialled.failure == Failure::refused);
    CHECK_FALSE(dialled.fd.valid());
    CHECK(dialled.detail == "Connection refused");
    CHECK(dial("[::1]:1", in(10s)).failure != Failure::none); // refused, or a host without IPv6
}

TEST_CASE("dial: neither accepted nor refused by the deadline", "[dial]") {
    const FullPort port;
    CHECK(dial(loopback(port.port()), in(100ms)).failure == Failure::timeout);
    CHECK(dial(loopback(port.port()), in(-1s)).failure == Failure::timeout); // passed already
}

TEST_CASE("dial: a peer that says nothing is not waited for beyond the deadline", "[dial]") {
    HostileServer server([](Connection& peer) { peer.wait_until_gone(); });
    const Dialled dialled = dial(loopback(server.port()), in(10s));
    REQUIRE(dialled.fd.valid());
    CHECK_FALSE(wait_until_ready(dialled.fd.get(), POLLIN, in(50ms)));
    CHECK(wait_until_ready(dialled.fd.get(), POLLOUT, in(10s)));
}

TEST_CASE("dial: that nobody could be asked is no news about the peer", "[dial]") {
    HostileServer server(greet);
    for (const char* host : {"127.0.0.1", "no-such-host.invalid"}) {
        const Dialled dialled =
            without_more_files([&] { return dial(fmt::format("{}:{}", host, server.port()), in(10s)); });
        INFO(host << ": " << dialled.detail);
        CHECK(dialled.failure == Failure::own_fault);
        CHECK_FALSE(dialled.detail.empty());
    }
}

TEST_CASE("dial: which errors of a socket are our own", "[dial]") {
    for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EPERM, EADDRNOTAVAIL, EAFNOSUPPORT}) {
        CHECK(is_own_fault(error));
    }
    for (const int error : {ECONNREFUSED, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EPIPE, ENOENT}) {
        CHECK_FALSE(is_own_fault(error));
    }
}

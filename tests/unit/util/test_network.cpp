#include "util/network.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

bool holds(const char* network, const char* address) {
    return Network::parse(network).value().contains(address);
}

} // namespace

TEST_CASE("a network holds the addresses of its prefix and no other") {
    CHECK(holds("127.0.0.0/8", "127.0.0.1"));
    CHECK(holds("127.0.0.0/8", "127.255.255.255"));
    CHECK_FALSE(holds("127.0.0.0/8", "128.0.0.1"));
    CHECK(holds("10.1.2.0/23", "10.1.3.255"));
    CHECK_FALSE(holds("10.1.2.0/23", "10.1.4.0"));
    CHECK(holds("0.0.0.0/0", "203.0.113.9"));
    CHECK(holds("10.1.2.3", "10.1.2.3"));
    CHECK_FALSE(holds("10.1.2.3", "10.1.2.2"));
    CHECK(holds("10.1.2.3/8", "10.9.9.9")); // bits beyond the prefix do not matter
    CHECK(holds("fe80::/10", "febf::1"));
    CHECK_FALSE(holds("fe80::/10", "fec0::1"));
    CHECK(holds("::/0", "::1"));
    CHECK(holds("::1", "::1"));
}

TEST_CASE("the families are kept apart, but an IPv4 address in IPv6 clothes is itself") {
    CHECK_FALSE(holds("0.0.0.0/0", "::1"));
    CHECK_FALSE(holds("127.0.0.0/8", "::1"));
    CHECK(holds("127.0.0.0/8", "::ffff:127.0.0.1"));
    CHECK(holds("::ffff:10.0.0.0/104", "10.1.1.1"));
}

TEST_CASE("what is no network is none, and what is no address lies in none") {
    for (const char* text :
         {"", "x", "10.0.0.0/33", "::1/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "443", "/8"}) {
        CAPTURE(text);
        CHECK_FALSE(Network::parse(text));
    }
    for (const char* text : {"", "localhost", "10.0.0", "10.0.0.1/8", "fe80::1%eth0"}) {
        CAPTURE(text);
        CHECK_FALSE(holds("::/0", text));
        CHECK_FALSE(holds("0.0.0.0/0", text));
    }
}

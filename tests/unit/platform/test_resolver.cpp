#include "platform/resolver.h"

#include <future>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

SteadyTime in(Duration time) {
    return std::chrono::steady_clock::now() + time;
}

} // namespace

TEST_CASE("lookup: the answer, and why there is none", "[resolver]") {
    const auto ask = [](const std::string& name) {
        return name == "site.example" ? NameLookup{{"192.0.2.1", "2001:db8::1"}, ""}
                                      : NameLookup{{}, "no such name"};
    };
    CHECK(lookup_in_time(ask, "site.example", in(10s)).addresses.size() == 2);
    const NameLookup unknown = lookup_in_time(ask, "other.example", in(10s));
    CHECK(unknown.addresses.empty());
    CHECK(unknown.error == "no such name");
    CHECK_FALSE(unknown.own_fault);
}

TEST_CASE("lookup: an address is not asked for", "[resolver]") {
    const auto ask = [](const std::string&) { return NameLookup{{}, "asked"}; };
    CHECK(lookup_in_time(ask, "192.0.2.1", in(-1s)).addresses == std::vector<std::string>{"192.0.2.1"});
    CHECK(lookup_in_time(ask, "::1", in(-1s)).addresses == std::vector<std::string>{"::1"});
}

TEST_CASE("lookup: a silent resolver is left behind at the deadline", "[resolver]") {
    const auto release = std::make_shared<std::promise<void>>();
    const auto ask = [released = release->get_future().share()](const std::string&) {
        released.wait();
        return NameLookup{{"192.0.2.1"}, ""};
    };
    const NameLookup lookup = lookup_in_time(ask, "site.example", in(50ms));
    CHECK(lookup.addresses.empty());
    CHECK(lookup.error == "the DNS server is silent");
    CHECK_FALSE(lookup.own_fault);
    release->set_value();
}

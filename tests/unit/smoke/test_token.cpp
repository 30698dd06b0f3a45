#include "smoke/token.h"
#include "util/base64.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

std::string token_of(const std::string& claims) {
    std::string body = base64(claims);
    std::replace(body.begin(), body.end(), '+', '-');
    std::replace(body.begin(), body.end(), '/', '_');
    std::erase(body, '=');
    return "eyJhbGciOiJIUzI1NiJ9." + body + ".c2lnbmF0dXJl";
}

} // namespace

TEST_CASE("token: its times are read", "[token]") {
    const auto times = times_of_token(token_of(R"({"iat":1769076000,"exp":1769076300.5,"nbf":1769076000})"));
    REQUIRE(times);
    REQUIRE(times->issued);
    REQUIRE(times->expires);
    CHECK(*times->expires - *times->issued == 300500ms);
    CHECK(times->not_before == times->issued);
    CHECK(format_utc(*times->issued) == "2026-01-22T10:00:00Z");
}

TEST_CASE("token: the letters of base64url are understood", "[token]") {
    CHECK(times_of_token(token_of(R"({"name":"??>>~~","exp":1})"))->expires);
}

TEST_CASE("token: claims that are odd are as if they were not there", "[token]") {
    const auto times = times_of_token(token_of(R"({"iat":"yesterday","exp":-5,"nbf":1e300})"));
    REQUIRE(times);
    CHECK_FALSE(times->issued);
    CHECK_FALSE(times->expires);
    CHECK_FALSE(times->not_before);
}

TEST_CASE("token: an opaque one says nothing", "[token]") {
    const std::string deep = std::string(3000, '[');
    for (const std::string& token :
         {std::string(), std::string("0123456789abcdef"), std::string("a.b.c"), std::string("a.!!!.c"),
          token_of("[1]"), token_of("{"), token_of(deep), std::string("..")}) {
        INFO(token.substr(0, 40));
        CHECK_FALSE(times_of_token(token));
    }
}

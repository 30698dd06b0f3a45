#include "util/number.h"

#include <cstdint>

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("a number is the whole text, as far as its type can hold it") {
    CHECK(number_from<int>("42") == 42);
    CHECK(number_from<int>("-1") == -1);
    CHECK(number_from<double>("0.5") == 0.5);
    CHECK(number_from<unsigned>("755", 8) == 0755U);
    CHECK(number_from<std::uint16_t>("65535") == 65535);
    CHECK_FALSE(number_from<std::uint16_t>("65536").has_value());
    CHECK_FALSE(number_from<unsigned>("-1").has_value());
    CHECK_FALSE(number_from<unsigned>("758", 8).has_value());
    for (const char* text : {"", " 1", "1 ", "+1", "1s", "0x1", "one"}) {
        CHECK_FALSE(number_from<int>(text).has_value());
    }
}

// What a person may have meant by "5 sec".
#include "config/meant.h"

#include <array>

#include <catch2/catch.hpp>

using namespace lectio;
using Unit = Amount::Unit;

namespace {

constexpr std::array k_time{Unit::milliseconds};
constexpr std::array k_size{Unit::bytes};
constexpr std::array k_share{Unit::percent};
constexpr std::array k_share_or_size{Unit::percent, Unit::bytes};

} // namespace

TEST_CASE("durations as people write them") {
    for (const char* text : {"5 s", "5sec", "5 seconds", "5S", " 5 s ", "5", "5 сек", "5с", "5.s", "5,s"}) {
        CHECK(meant_amount(text, k_time) == "5s");
    }
    CHECK(meant_amount("5min", k_time) == "5m");
    CHECK(meant_amount("5 минут", k_time) == "5m");
    CHECK(meant_amount("2 hours", k_time) == "2h");
    CHECK(meant_amount("14 days", k_time) == "14d");
    CHECK(meant_amount("1,5 h", k_time) == "1.5h");
    CHECK(meant_amount("100 msec", k_time) == "100ms");
}

TEST_CASE("sizes and shares as people write them") {
    for (const char* text : {"256Mb", "256 MB", "256M", "256 MiB", "256mb", "256 Мб"}) {
        CHECK(meant_amount(text, k_size) == "256MB");
    }
    CHECK(meant_amount("1,5GB", k_size) == "1.5GB");
    CHECK(meant_amount("512 kB", k_size) == "512KB");
    CHECK(meant_amount("90 %", k_share) == "90%");
    CHECK(meant_amount("90 percent", k_share) == "90%");
    CHECK(meant_amount("90", k_share) == "90%");
    CHECK(meant_amount("10m", k_share_or_size) == "10MB");
    CHECK(meant_amount("10 min", {}) == "10m");
}

TEST_CASE("what may mean anything is not guessed") {
    for (const char* text :
         {"", "s", "five s", "5 parsecs", "1,500s", "1.2.3s", "-5s", "5 s 3", "1e9s", ".5s"}) {
        CHECK(meant_amount(text, k_time).empty());
    }
    CHECK(meant_amount("256", k_size).empty());
    CHECK(meant_amount("256", k_share_or_size).empty());
    CHECK(meant_amount("5s", k_size).empty());
    CHECK(meant_amount("99999d", k_time) == "99999d"); // well written, too large
}

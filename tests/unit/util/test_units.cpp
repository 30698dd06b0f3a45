#include "util/units.h"

#include <catch2/catch.hpp>

using namespace lectio;

TEST_CASE("durations have exactly one unit") {
    CHECK(parse_duration("500ms").value() == Duration{500});
    CHECK(parse_duration("5s").value() == Duration{5000});
    CHECK(parse_duration("1.5m").value() == Duration{90'000});
    CHECK(parse_duration("14d").value() == Duration{14LL * 86400 * 1000});
    for (const char* wrong :
         {"", "5", "s", "-1s", "5 s", "1h30m", "5S", "1e3s", ".5s", "nan", "4000d", "5sec"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_duration(wrong).ok());
    }
}

TEST_CASE("sizes are powers of 1024") {
    CHECK(parse_size("256MB").value() == 256_MB);
    CHECK(parse_size("100").value() == 100_B);
    CHECK(parse_size("1.5KB").value() == Bytes{1536});
    for (const char* wrong : {"", "MB", "1mb", "1 MB", "-1MB", "1MiB", "99999999999TB"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_size(wrong).ok());
    }
}

TEST_CASE("an amount's unit follows from its suffix") {
    CHECK(parse_amount("15%").value() == Amount{Amount::Unit::percent, 15});
    CHECK(parse_amount("50").value() == Amount{Amount::Unit::number, 50});
    CHECK(parse_amount("5s").value() == Amount{Amount::Unit::milliseconds, 5000});
    CHECK(parse_amount("1KB").value() == Amount{Amount::Unit::bytes, 1024});
    CHECK_FALSE(parse_amount("101%").ok());
    CHECK_FALSE(parse_amount("five").ok());
}

TEST_CASE("quantities read well") {
    CHECK(format_duration(Duration{3}) == "3 ms");
    CHECK(format_duration(Duration{1500}) == "1.5 s");
    CHECK(format_duration(Duration{10'000}) == "10 s");
    CHECK(format_size(Bytes{1536}) == "1.5 KB");
    CHECK(format_size(Bytes{100}) == "100 B");
    CHECK(format_amount({Amount::Unit::percent, 12}) == "12%");
}

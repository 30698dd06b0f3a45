#include "util/timestamp.h"

#include <string>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

// 2026-01-22 10:00 UTC
constexpr std::chrono::sys_time<std::chrono::milliseconds> k_ten{1'769'076'000s};

} // namespace

TEST_CASE("a moment is read in every form that programs write") {
    for (const char* text :
         {"1769076000", "1769076000.0", "1769076000000", "2026-01-22T10:00:00Z", "2026-01-22T10:00Z",
          "2026-01-22 10:00:00+00", "2026-01-22 13:00:00+03", "2026-01-22T13:00:00+0300",
          "2026-01-22T13:00:00.000+03:00", "2026-01-22 05:30:00-04:30", "2026-01-22 10:00:00 +00:00",
          "2026-01-22t10:00:00.0004567z"}) {
        INFO(text);
        CHECK(parse_timestamp(text) == Timestamp{k_ten, false});
    }
    CHECK(parse_timestamp("2026-01-22T10:00:00") == Timestamp{k_ten, true});
    CHECK(parse_timestamp("2026-01-22 10:00:00.123456") == Timestamp{k_ten + 123ms, true});
    CHECK(parse_timestamp("2026-01-22") == Timestamp{k_ten - 10h, true});
    CHECK(parse_timestamp("1769076000.5") == Timestamp{k_ten + 500ms, false});
    CHECK(parse_timestamp("0") == Timestamp{{}, false});
}

TEST_CASE("what is no moment is none") {
    for (const char* text : {"",
                             " ",
                             "yesterday",
                             "-5",
                             "1e9",
                             "inf",
                             "nan",
                             "0x10",
                             "1769076000 s",
                             "2026-02-30",
                             "2026-13-01",
                             "2026-01-22T25:00",
                             "2026-01-22T10:60",
                             "2026-01-22T10:00:61",
                             "2026-01-22T",
                             "2026-01-22T10:00:00.",
                             "2026-01-22T10:00:00+",
                             "2026-01-22T10:00:00+3",
                             "2026-01-22T10:00:00+19:00",
                             "2026-01-22T10:00:00+03:60",
                             "2026-01-22T10:00:00Zx",
                             "2026-01-22x",
                             "1969-12-31",
                             "99999999999999999999",
                             "1.2.3",
                             "٢٠٢٦-01-22"}) {
        INFO(text);
        CHECK_FALSE(parse_timestamp(text));
    }
    CHECK_FALSE(parse_timestamp(std::string(10'000, '9')));
    CHECK_FALSE(parse_timestamp(std::string("2026-01-22\0", 11)));
}

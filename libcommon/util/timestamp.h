// A moment as programs write it: seconds or milliseconds since 1970, or ISO 8601.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace lectio {

struct Timestamp {
    std::chrono::sys_time<std::chrono::milliseconds> time;
    bool zone_assumed = false; // it names no zone and was read as UTC
    bool operator==(const Timestamp&) const = default;
};

// "1769076000", "1769076000.5", "1769076000123" (from 100,000,000,000 on they are milliseconds: as seconds that would be
// after the year 5000), "2026-01-22", "2026-01-22T10:00:00", "2026-01-22 10:00:00.123+03", "…+0300", "…+03:00", "…Z".
// Nothing where it is none of these, or no day of the calendar; years 1970 to 9999.
std::optional<Timestamp> parse_timestamp(std::string_view text);

} // namespace lectio

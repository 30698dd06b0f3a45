// Durations, sizes, shares and amounts as the configuration writes them and people read them.
#pragma once

#include "util/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace lectio {

using Duration = std::chrono::milliseconds;

struct Bytes {
    std::uint64_t count = 0;
    auto operator<=>(const Bytes&) const = default;
};
constexpr Bytes operator""_B(unsigned long long n) {
    return {n};
}
constexpr Bytes operator""_kB(unsigned long long n) {
    return {n << 10};
}
constexpr Bytes operator""_MB(unsigned long long n) {
    return {n << 20};
}
constexpr Bytes operator""_GB(unsigned long long n) {
    return {n << 30};
}

// A quantity with its unit, as thresholds have it: 50, "256MB", "15%", "5s".
struct Amount {
    enum class Unit { number, bytes, percent, milliseconds };
    Unit unit = Unit::number;
    double value = 0; // in the unit
    bool operator==(const Amount&) const = default;
};

// "500ms" "5s" "2m" "1h" "14d"; a whole or decimal number with exactly one unit; 0 to 3650 days.
Result<Duration> parse_duration(std::string_view text);
// "256MB" "2GB" "64KB" "100B", powers of 1024; a plain "100" is bytes.
Result<Bytes> parse_size(std::string_view text);
// "15%", 0 to 100.
Result<double> parse_percent(std::string_view text);
// Any of the above or a plain number, by its suffix.
Result<Amount> parse_amount(std::string_view text);

// Short and exact enough for people: "3 ms", "1.5 s", "2 m", "1.5 GB", "12%". Same in every language.
std::string format_duration(Duration duration);
std::string format_size(Bytes size);
std::string format_amount(const Amount& amount);

} // namespace lectio

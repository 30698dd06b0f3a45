#include "util/units.h"

#include "util/text.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

struct Suffix {
    std::string_view text;
    double factor;
};
constexpr std::array<Suffix, 5> k_durations{
    {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
constexpr std::array<Suffix, 5> k_sizes{
    {{"B", 1}, {"KB", 1024}, {"MB", 1048576}, {"GB", 1073741824}, {"TB", 1099511627776}}};

constexpr double k_longest_ms = 3650.0 * 86400e3;

struct Quantity {
    double value = 0;
    std::string_view suffix;
};

// A plain decimal number and what follows it: no sign, no exponent, no infinity.
Result<Quantity> parse_quantity(std::string_view text) {
    Quantity quantity;
    std::size_t digits = 0;
    while (digits < text.size() && ((text[digits] >= '0' && text[digits] <= '9') || text[digits] == '.')) {
        ++digits;
    }
    const auto [end, code] =
        std::from_chars(text.data(), text.data() + digits, quantity.value, std::chars_format::fixed);
    if (digits == 0 || text[0] == '.' || code != std::errc{} || end != text.data() + digits) {
        return Error{ErrorKind::invalid, fmt::format("\"{}\" is not a number with a unit", text)};
    }
    quantity.suffix = text.substr(digits);
    return quantity;
}

template<std::size_t N>
const Suffix* find_suffix(const std::array<Suffix, N>& suffixes, std::string_view text) {
    for (const Suffix& suffix : suffixes) {
        if (suffix.text == text) {
            return &suffix;
        }
    }
    return nullptr;
}

std::string trim_zeros(double value, int decimals) {
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') {
            text.pop_back();
        }
    }
    return text;
}

} // namespace

Result<Duration> parse_duration(std::string_view text) {
    const Result<Quantity> quantity = parse_quantity(text);
    const Suffix* suffix = quantity ? find_suffix(k_durations, quantity->suffix) : nullptr;
    if (suffix == nullptr || quantity->value * suffix->factor > k_longest_ms) {
        return Error{ErrorKind::invalid,
                     fmt::format("\"{}\" is not a duration; write 500ms, 5s, 2m, 1h or 14d", text)};
    }
    return Duration{std::llround(quantity->value * suffix->factor)};
}

Result<Bytes> parse_size(std::string_view text) {
    const Result<Quantity> quantity = parse_quantity(text);
    constexpr Suffix k_plain{"", 1};
    const Suffix* suffix = nullptr;
    if (quantity) {
        suffix = quantity->suffix.empty() ? &k_plain : find_suffix(k_sizes, quantity->suffix);
    }
    if (suffix == nullptr || quantity->value * suffix->factor > 9e18) {
        return Error{ErrorKind::invalid,
                     fmt::format("\"{}\" is not a size; write 100KB, 256MB or 2GB (powers of 1024)", text)};
    }
    return Bytes{static_cast<std::uint64_t>(std::llround(quantity->value * suffix->factor))};
}

Result<double> parse_percent(std::string_view text) {
    const Result<Quantity> quantity = parse_quantity(text);
    if (!quantity || quantity->suffix != "%" || quantity->value > 100) {
        return Error{ErrorKind::invalid, fmt::format("\"{}\" is not a share; write 0% to 100%", text)};
    }
    return quantity->value;
}

Result<Amount> parse_amount(std::string_view text) {
    if (const Result<double> percent = parse_percent(text)) {
        return Amount{Amount::Unit::percent, *percent};
    }
    const Result<Quantity> quantity = parse_quantity(text);
    if (quantity && quantity->suffix.empty()) {
        return Amount{Amount::Unit::number, quantity->value};
    }
    if (const Result<Duration> duration = parse_duration(text)) {
        return Amount{Amount::Unit::milliseconds, static_cast<double>(duration->count())};
    }
    if (const Result<Bytes> size = parse_size(text)) {
        return Amount{Amount::Unit::bytes, static_cast<double>(size->count)};
    }
    return Error{ErrorKind::invalid, fmt::format("\"{}\" is no number, share, size or duration", text)};
}

std::string format_duration(Duration duration) {
    const auto ms = static_cast<double>(duration.count());
    if (ms < 1e3) {
        return fmt::format("{} ms", duration.count());
    }
    if (ms < 120e3) {
        return trim_zeros(ms / 1e3, 1) + " s";
    }
    if (ms < 7200e3) {
        return trim_zeros(ms / 60e3, 1) + " m";
    }
    if (ms < 2 * 86400e3) {
        return trim_zeros(ms / 3600e3, 1) + " h";
    }
    return trim_zeros(ms / 86400e3, 1) + " d";
}

std::string format_size(Bytes size) {
    const auto count = static_cast<double>(size.count);
    for (std::size_t i = k_sizes.size() - 1; i > 0; --i) {
        if (count >= k_sizes[i].factor) {
            return fmt::format("{} {}", trim_zeros(count / k_sizes[i].factor, 1), k_sizes[i].text);
        }
    }
    return fmt::format("{} B", size.count);
}

std::string format_amount(const Amount& amount) {
    switch (amount.unit) {
    case Amount::Unit::percent:
        return trim_zeros(amount.value, 1) + "%";
    case Amount::Unit::bytes:
        return format_size({static_cast<std::uint64_t>(amount.value)});
    case Amount::Unit::milliseconds:
        return format_duration(Duration{std::llround(amount.value)});
    case Amount::Unit::number:
        break;
    }
    return trim_zeros(amount.value, 2);
}

} // namespace lectio

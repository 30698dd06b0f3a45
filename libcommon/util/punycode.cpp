#include "util/punycode.h"

#include "util/text.h"

#include <algorithm>
#include <cstdint>

namespace lectio {
namespace {

// RFC 3492, 5.
constexpr std::uint32_t k_base = 36, k_t_min = 1, k_t_max = 26, k_skew = 38, k_damp = 700, k_first_bias = 72,
                        k_first_code = 0x80;
constexpr std::size_t k_longest_label = 63;

char32_t small(char32_t code) {
    const bool latin = code >= U'A' && code <= U'Z';
    const bool russian = code >= U'А' && code <= U'Я';
    return latin || russian ? code + 0x20 : code == U'Ё' ? U'ё' : code;
}

// Of valid UTF-8.
std::u32string code_points(std::string_view utf8) {
    std::u32string codes;
    for (std::size_t i = 0; i < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[i]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        char32_t code = length == 1 ? first : first & (0xFFU >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) {
            code = (code << 6U) | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
        }
        codes += small(code);
        i += length;
    }
    return codes;
}

char digit(std::uint32_t value) {
    return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

std::uint32_t adapted(std::uint32_t delta, std::uint32_t points, bool first) {
    delta = first ? delta / k_damp : delta / 2;
    delta += delta / points;
    std::uint32_t k = 0;
    for (; delta > ((k_base - k_t_min) * k_t_max) / 2; k += k_base) {
        delta /= k_base - k_t_min;
    }
    return k + (k_base - k_t_min + 1) * delta / (delta + k_skew);
}

void add_number(std::string& out, std::uint32_t number, std::uint32_t bias) {
    for (std::uint32_t k = k_base;; k += k_base) {
        const std::uint32_t t = k <= bias ? k_t_min : k >= bias + k_t_max ? k_t_max : k - bias;
        if (number < t) {
            break;
        }
        out += digit(t + (number - t) % (k_base - t));
        number = (number - t) / (k_base - t);
    }
    out += digit(number);
}

// RFC 3492, 6.3. A label is short: nothing overflows.
std::string punycode(const std::u32string& label) {
    std::string out;
    for (const char32_t code : label) {
        if (code < k_first_code) {
            out += static_cast<char>(code);
        }
    }
    const auto basic = static_cast<std::uint32_t>(out.size());
    if (basic > 0) {
        out += '-';
    }
    std::uint32_t code = k_first_code, delta = 0, bias = k_first_bias, done = basic;
    while (done < label.size()) {
        char32_t next = U'\U0010FFFF';
        for (const char32_t each : label) {
            next = each >= code ? std::min(next, each) : next;
        }
        delta += (next - code) * (done + 1);
        code = next;
        for (const char32_t each : label) {
            if (each < code) {
                ++delta;
            } else if (each == code) {
                add_number(out, delta, bias);
                bias = adapted(delta, done + 1, done == basic);
                delta = 0;
                ++done;
            }
        }
        ++delta;
        ++code;
    }
    return out;
}

} // namespace

std::optional<std::string> in_ascii(std::string_view host) {
    if (!is_utf8(host)) {
        return std::nullopt;
    }
    std::string name;
    for (const std::string_view label : split(host, '.')) {
        const std::u32string codes = code_points(label);
        const bool plain =
            std::all_of(codes.begin(), codes.end(), [](char32_t code) { return code < k_first_code; });
        if (codes.size() > k_longest_label) {
            return std::nullopt;
        }
        const std::string one = plain ? std::string(codes.begin(), codes.end()) : "xn--" + punycode(codes);
        if (one.size() > k_longest_label) {
            return std::nullopt;
        }
        name += (name.empty() ? "" : ".") + one;
    }
    return name;
}

} // namespace lectio

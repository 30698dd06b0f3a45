#include "util/percent.h"

#include <cctype>
#include <utility>

namespace lectio {

namespace {

std::string encoded(std::string_view text, std::string_view kept) {
    constexpr std::string_view k_hex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || kept.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += k_hex[byte >> 4U];
            out += k_hex[byte & 15U];
        }
    }
    return out;
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
    return lower >= 'a' && lower <= 'f' ? std::optional(static_cast<unsigned>(lower - 'a') + 10U)
                                        : std::nullopt;
}

// The byte of the %XX that `text` begins with.
std::optional<char> escaped_byte(std::string_view text) {
    const std::optional<unsigned> high = text.size() > 2 ? hex_digit(text[1]) : std::nullopt;
    const std::optional<unsigned> low = text.size() > 2 ? hex_digit(text[2]) : std::nullopt;
    return high && low ? std::optional(static_cast<char>(*high << 4U | *low)) : std::nullopt;
}

struct Decoded {
    std::string text;
    bool well_formed = true;
};

Decoded decoded(std::string_view text) {
    Decoded result;
    while (!text.empty()) {
        const std::optional<char> byte = text.front() == '%' ? escaped_byte(text) : std::nullopt;
        result.well_formed = result.well_formed && (byte || text.front() != '%');
        result.text += byte.value_or(text.front());
        text.remove_prefix(byte ? 3 : 1);
    }
    return result;
}

} // namespace

std::string percent_encoded(std::string_view text) {
    return encoded(text, "-._~");
}

std::string percent_encoded_path(std::string_view path) {
    return encoded(path, "-._~/");
}

std::optional<std::string> percent_decoded(std::string_view text) {
    Decoded result = decoded(text);
    return result.well_formed ? std::optional(std::move(result.text)) : std::nullopt;
}

std::string percent_decoded_leniently(std::string_view text) {
    return decoded(text).text;
}

} // namespace lectio

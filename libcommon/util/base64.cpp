#include "util/base64.h"

#include <cstdint>

namespace lectio {
namespace {

constexpr std::string_view k_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

std::string base64(std::string_view text) {
    std::string encoded;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            group = group << 8 | (i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            encoded += i + j <= text.size() ? k_alphabet[group >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return encoded;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string decoded;
    std::uint32_t group = 0;
    unsigned bits = 0;
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    for (const char c : text) {
        const std::size_t value = k_alphabet.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        group = (group << 6 | static_cast<std::uint32_t>(value)) & 0xFFFFFFU;
        if (bits += 6; bits >= 8) {
            bits -= 8;
            decoded += static_cast<char>(group >> bits & 0xFFU);
        }
    }
    return decoded;
}

} // namespace lectio

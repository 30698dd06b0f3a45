#include "store/packing.h"

#include <algorithm>
#include <bit>

namespace lectio {
namespace {

constexpr char k_place = '\x01';
// With the digit in front 19: each such number fits into 64 bits. A longer one is several.
constexpr std::size_t k_most_digits = 18;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
}

// "05" → 105: the 1 in front keeps the zeros.
std::uint64_t number_of(std::string_view digits) {
    std::uint64_t number = 1;
    for (const char digit : digits) {
        number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return number;
}

std::string digits_of(std::uint64_t number) {
    return std::to_string(number).substr(1);
}

} // namespace

PackedText pack_text(std::string_view text) {
    PackedText packed;
    while (!text.empty()) {
        if (!is_digit(text.front())) {
            packed.words += is_control(text.front()) ? '?' : text.front();
            text.remove_prefix(1);
            continue;
        }
        const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
        const auto size = std::min(static_cast<std::size_t>(end - text.begin()), k_most_digits);
        packed.words += k_place;
        packed.numbers.push_back(number_of(text.substr(0, size)));
        text.remove_prefix(size);
    }
    return packed;
}

std::string unpack_text(std::string_view words, const std::vector<std::uint64_t>& numbers,
                        std::size_t& next) {
    std::string text;
    for (const char c : words) {
        if (c != k_place) {
            text += c;
        } else if (next < numbers.size()) {
            text += digits_of(numbers[next++]);
        }
    }
    return text;
}

std::size_t places_in(std::string_view words) {
    return static_cast<std::size_t>(std::count(words.begin(), words.end(), k_place));
}

void put_number(std::string& bytes, std::uint64_t number) {
    while (number >= 0x80) {
        bytes += static_cast<char>(number | 0x80);
        number >>= 7U;
    }
    bytes += static_cast<char>(number);
}

void put_figure(std::string& bytes, double figure) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(figure));
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>(bits >> shift);
    }
}

std::optional<std::uint64_t> Unpacker::number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !m_rest.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(m_rest.front());
        m_rest.remove_prefix(1);
        number |= std::uint64_t{byte & 0x7FU} << shift;
        if (byte < 0x80) {
            return number;
        }
    }
    return std::nullopt;
}

std::optional<double> Unpacker::figure() {
    if (m_rest.size() < 4) {
        return std::nullopt;
    }
    std::uint32_t bits = 0;
    for (unsigned i = 0; i < 4; ++i) {
        bits |= static_cast<std::uint32_t>(static_cast<unsigned char>(m_rest[i])) << (8 * i);
    }
    m_rest.remove_prefix(4);
    return static_cast<double>(std::bit_cast<float>(bits));
}

} // namespace lectio

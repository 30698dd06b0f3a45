#include "util/guessed.h"

#include <algorithm>

namespace lectio {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80U;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

} // namespace

bool is_ordinary_word(std::string_view text) {
    constexpr std::size_t k_longest = 15, k_most_digits = 4; // "admin2026"
    const auto digits = std::find_if_not(text.begin(), text.end(), is_letter);
    return digits != text.begin() && text.size() <= k_longest &&
           static_cast<std::size_t>(text.end() - digits) <= k_most_digits &&
           std::all_of(digits, text.end(), is_digit);
}

} // namespace lectio

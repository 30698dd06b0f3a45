// Whether a message is Russian: it has Russian letters, and outside quotes no two English words in a row.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

namespace lectio::test {

inline std::string without_quoted(std::string_view text) {
    std::string rest;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::size_t end = std::string_view::npos;
        if (text[i] == '"') {
            end = text.find('"', i + 1);
        } else if (text.substr(i).starts_with("«")) {
            end = text.find("»", i);
        }
        if (end == std::string_view::npos) {
            rest += text[i];
        } else {
            i = end;
        }
    }
    return rest;
}

inline bool has_english_sentence(std::string_view text) {
    std::size_t words = 0;
    std::size_t letters = 0;
    for (const char c : without_quoted(text) + " .") {
        if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
            ++letters;
        } else {
            words = letters >= 2 && c == ' ' ? words + 1 : 0;
            letters = 0;
        }
        if (words >= 2) {
            return true;
        }
    }
    return false;
}

inline bool is_russian(std::string_view text) {
    const bool cyrillic =
        std::any_of(text.begin(), text.end(), [](char c) { return c == '\xD0' || c == '\xD1'; });
    return cyrillic && !has_english_sentence(text);
}

} // namespace lectio::test

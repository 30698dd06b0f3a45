#include "discovery/web_server.h"

#include <algorithm>

namespace lectio {

bool is_host_name(std::string_view text) {
    constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    constexpr std::string_view k_others = "0123456789-.";
    const bool characters = std::all_of(text.begin(), text.end(), [&](char c) {
        return k_letters.find(c) != std::string_view::npos || k_others.find(c) != std::string_view::npos;
    });
    return characters && text.size() <= 253 && text.find_first_of(k_letters) != std::string_view::npos &&
           !text.starts_with('-') && !text.starts_with('.') && !text.ends_with('.') &&
           text.find("..") == std::string_view::npos && text != "localhost";
}

} // namespace lectio

#include "config/complaints.h"

#include "platform/unit_name.h"
#include "util/text.h"

#include <fmt/format.h>

#include <arpa/inet.h>

namespace lectio {

std::optional<std::string> owner_complaint(const std::string& text) {
    const auto parts = split(text, ':');
    const bool blank = text.find_first_of(" \t/") != std::string::npos;
    if (parts.size() > 2 || blank || (parts.size() == 2 && parts[0].empty() && parts[1].empty())) {
        return "expected user:group";
    }
    return std::nullopt;
}

std::optional<std::string> unit_complaint(const std::string& text) {
    constexpr std::string_view k_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789:-_.\\@";
    constexpr std::size_t k_longest = 255;
    if (text.find_first_not_of(k_characters) != text.npos || text.size() > k_longest ||
        text.starts_with('.')) {
        return "expected the name of a unit, like \"nginx.service\"";
    }
    const std::size_t dot = text.rfind('.');
    if (dot == text.npos || has_unit_ending(text)) {
        return std::nullopt;
    }
    // systemctl would take it for "nginx.servce.service", which nobody means.
    const std::string_view ending = std::string_view(text).substr(dot);
    const std::optional<std::string_view> near = nearest(ending, unit_endings());
    return fmt::format("no unit ends so; {}", near ? fmt::format("did you mean \"{}\"?", *near)
                                                   : "write it with its ending, like \".service\"");
}

std::optional<std::string> ip_address_complaint(const std::string& text) {
    in6_addr parsed{};
    if (text.empty() || ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
        ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1) {
        return std::nullopt;
    }
    return "expected an address like \"127.0.0.1\" or \"::1\"";
}

} // namespace lectio

#include "config/complaints.h"

#include "util/text.h"

#include <algorithm>
#include <array>

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
    constexpr std::array<std::string_view, 8> k_endings{".service", ".socket", ".timer", ".target",
                                                        ".path",    ".mount",  ".slice", ".scope"};
    const bool ending = std::any_of(k_endings.begin(), k_endings.end(),
                                    [&](std::string_view end) { return text.ends_with(end); });
    if (!ending || text.find_first_of("/ \t") != std::string::npos) {
        return "expected a unit with its ending, like \"nginx.service\"";
    }
    return std::nullopt;
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

#include "config/complaints.h"

#include "config/lookalikes.h"
#include "platform/unit_name.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <initializer_list>

#include <fmt/format.h>

#include <arpa/inet.h>

namespace lectio {

namespace {

// Whatever the name service may know; what no /etc/passwd can hold, and what an option would be taken for.
bool is_account(std::string_view name) {
    return !name.starts_with('-') && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == ':' || c == '/' || c == '\x7f';
    });
}

bool is_ip_address(const std::string& text) {
    in6_addr parsed{};
    return ::inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

bool is_number(std::string_view text, int least, int most) {
    const auto number = number_from<int>(text);
    return number && *number >= least && *number <= most;
}

bool is_network(const std::string& text) { // "10.0.0.0/8"; without the length: one address
    const std::size_t slash = text.find('/');
    const bool v6 = text.find(':') != text.npos;
    return is_ip_address(text.substr(0, slash)) &&
           (slash == text.npos || is_number(std::string_view(text).substr(slash + 1), 0, v6 ? 128 : 32));
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return text.starts_with(beginning); });
}

using Complaint = std::optional<std::string>;
Complaint unless(bool good, const char* complaint) {
    return good ? std::nullopt : Complaint(complaint);
}

} // namespace

std::optional<std::string> owner_complaint(const std::string& text) {
    const auto parts = split(text, ':');
    const bool odd = !std::all_of(parts.begin(), parts.end(), is_account);
    if (parts.size() > 2 || odd || (parts.size() == 2 && parts[0].empty() && parts[1].empty())) {
        return "expected user:group";
    }
    return std::nullopt;
}

std::optional<std::string> user_complaint(const std::string& text) {
    return is_account(text) ? std::nullopt : std::optional<std::string>("expected the name of a user");
}

std::optional<std::string> pointer_complaint(const std::string& text) {
    bool good = text.empty() || text.starts_with('/');
    for (std::size_t i = text.find('~'); i != text.npos; i = text.find('~', i + 1)) {
        good = good && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
    }
    return good ? std::nullopt
                : std::optional<std::string>("expected a JSON pointer like \"/checks/database\"");
}

std::optional<std::string> unit_complaint(const std::string& text) {
    constexpr std::string_view k_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789:-_.\\@";
    constexpr std::size_t k_longest = 255;
    if (const std::string latin = as_latin(text); latin != text) {
        return fmt::format("a letter is Cyrillic and only looks Latin; did you mean \"{}\"?", latin);
    }
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
    return unless(text.empty() || is_ip_address(text), "expected an address like \"127.0.0.1\" or \"::1\"");
}

std::optional<std::string> port_or_network_complaint(const std::string& text) {
    return unless(is_number(text, 1, 65535) || is_network(text),
                  "expected a port like \"443\" or a network like \"127.0.0.0/8\"");
}

std::optional<std::string> published_complaint(const std::string& text) {
    const std::string_view port = std::string_view(text).substr(0, text.find('/'));
    const std::string_view protocol = std::string_view(text).substr(port.size());
    const bool good = protocol.empty() || protocol == "/tcp" || protocol == "/udp" || protocol == "/sctp";
    return unless(good && is_number(port, 1, 65535), "expected a port like \"443/tcp\"");
}

std::optional<std::string> request_path_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"/", "http://", "https://"}),
                  "expected a path that begins with /, like \"/api/health/\"");
}

std::optional<std::string> postgres_url_complaint(const std::string& text) {
    return unless(text.empty() || begins_with_any(text, {"postgresql://", "postgres://"}),
                  "expected postgresql://user@host/database");
}

std::optional<std::string> database_complaint(const std::string& text) {
    return unless(text.empty() || begins_with_any(text, {"sqlite:", "postgresql:", "postgres:"}),
                  "expected sqlite:PATH or postgresql://user@host/database");
}

std::optional<std::string> mail_url_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"smtps://", "smtp://"}),
                  "expected smtps://host:465 or smtp://host:587");
}

std::optional<std::string> mail_address_complaint(const std::string& text) {
    const std::size_t at = text.find('@');
    return unless(at != text.npos && at > 0 && at + 1 < text.size() &&
                      text.find_first_of("\r\n") == text.npos,
                  "expected an address like \"op@example.org\"");
}

std::optional<std::string> growth_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"disk:/", "files:/"}) ||
                      (text.starts_with("check:") && text.size() > std::string_view("check:").size()),
                  "expected disk:PATH, files:PATH or check:NAME");
}

} // namespace lectio

#include "config/complaints.h"

#include "config/lookalikes.h"
#include "config/schema.h"
#include "platform/unit_name.h"
#include "util/network.h"
#include "util/number.h"
#include "util/pattern.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include <fmt/format.h>

namespace lectio {

namespace {

constexpr Phrase k_no_owner{"expected user:group", "ожидается пользователь:группа"};
constexpr Phrase k_no_user{"expected the name of a user", "ожидается имя пользователя"};
constexpr Phrase k_no_pointer{"expected a JSON pointer like \"/checks/database\"",
                              "ожидается путь внутри JSON вроде \"/checks/database\""};
constexpr Phrase k_cyrillic{"a letter is Cyrillic and only looks Latin; did you mean \"{}\"?",
                            "одна из букв русская и только похожа на латинскую; может быть, \"{}\"?"};
constexpr Phrase k_no_unit{"expected the name of a unit, like \"nginx.service\"",
                           "ожидается имя юнита вроде \"nginx.service\""};
constexpr Phrase k_unit_ending_near{"no unit ends so; did you mean \"{}\"?",
                                    "юниты так не оканчиваются; может быть, \"{}\"?"};
constexpr Phrase k_unit_ending{"no unit ends so; write it with its ending, like \".service\"",
                               "юниты так не оканчиваются; напишите с окончанием вроде \".service\""};
constexpr Phrase k_no_ip{"expected an address like \"127.0.0.1\" or \"::1\"",
                         "ожидается адрес вроде \"127.0.0.1\" или \"::1\""};
constexpr Phrase k_no_network{"expected a port like \"443\" or a network like \"127.0.0.0/8\"",
                              "ожидается порт вроде \"443\" или сеть вроде \"127.0.0.0/8\""};
constexpr Phrase k_no_port{"expected a port like \"443/tcp\"", "ожидается порт вроде \"443/tcp\""};
constexpr Phrase k_no_request_path{"expected a path that begins with /, like \"/api/health/\"",
                                   "ожидается путь, который начинается с /, вроде \"/api/health/\""};
constexpr Phrase k_no_web_url{"expected a URL: http://… or https://…",
                              "ожидается URL: http://… или https://…"};
constexpr Phrase k_no_header_name{"expected the name of a header, like X-Site",
                                  "ожидается имя заголовка вроде X-Site"};
constexpr Phrase k_no_header_value{"control characters cannot stand in a header",
                                   "в заголовке не может быть управляющих символов"};
constexpr Phrase k_no_postgres{"expected postgresql://user@host/database",
                               "ожидается postgresql://пользователь@хост/база"};
constexpr Phrase k_odd_postgres{"its host, port or %-escapes cannot be read. In a password % @ : / ? # and "
                                "blanks are written %25 %40 %3A %2F %3F %23 "
                                "%20: postgresql://user:password@host:5432/database",
                                "не разобрать хост, порт или %-коды. В пароле % @ : / ? # и пробел пишутся "
                                "как %25 %40 %3A %2F %3F %23 %20: "
                                "postgresql://пользователь:пароль@хост:5432/база"};
constexpr Phrase k_no_database{"expected sqlite:PATH or postgresql://user@host/database",
                               "ожидается sqlite:ПУТЬ или postgresql://пользователь@хост/база"};
constexpr Phrase k_no_mail_url{"expected smtps://host:465 or smtp://host:587",
                               "ожидается smtps://хост:465 или smtp://хост:587"};
constexpr Phrase k_no_mail_address{"expected an address like \"op@example.org\"",
                                   "ожидается адрес вроде \"op@example.org\""};
constexpr Phrase k_no_growth{"expected disk:PATH, files:PATH or check:NAME",
                             "ожидается disk:ПУТЬ, files:ПУТЬ или check:ИМЯ"};
constexpr Phrase k_no_pattern{"not a regular expression: {} at character {}",
                              "это не регулярное выражение: {}, символ {}"};

// How PCRE2 and RE2 begin to speak of the commonest slips; the rest of it stays.
constexpr std::array k_expression_words{
    Phrase{"missing closing parenthesis", "не закрыта скобка ("},
    Phrase{"unmatched closing parenthesis", "лишняя скобка )"},
    Phrase{"missing terminating ] for character class", "не закрыта скобка ["},
    Phrase{"quantifier does not follow a repeatable item", "перед знаком повтора нечего повторять"},
    Phrase{"range out of order in character class", "границы в [ ] переставлены"},
    Phrase{"\\ at end of pattern", "в конце стоит \\, а за ней ничего нет"},
    Phrase{"unrecognized character follows \\", "после \\ стоит не то"},
    Phrase{"unrecognized character after (? or (?-", "после (? стоит не то"},
    Phrase{"lookbehind assertion is not fixed length", "в (?<= ) нужна постоянная длина"},
    Phrase{"missing )", "не закрыта скобка ("},
    Phrase{"missing ]", "не закрыта скобка ["},
    Phrase{"unexpected )", "лишняя скобка )"},
    Phrase{"no argument for repetition operator", "перед знаком повтора нечего повторять"},
    Phrase{"bad repetition operator", "знак повтора стоит дважды"},
    Phrase{"invalid repetition size", "слишком много повторов"},
    Phrase{"invalid character class range", "границы в [ ] переставлены"},
    Phrase{"invalid escape sequence", "после \\ стоит не то"},
    Phrase{"invalid perl operator", "такого RE2 не умеет"},
    Phrase{"trailing \\", "в конце стоит \\, а за ней ничего нет"},
    Phrase{"invalid UTF-8", "это не UTF-8"},
};

// Whatever the name service may know; what no /etc/passwd can hold, and what an option would be taken for.
bool is_account(std::string_view name) {
    return !name.starts_with('-') && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == ':' || c == '/' || c == '\x7f';
    });
}

bool is_number(std::string_view text, int least, int most) {
    const auto number = number_from<int>(text);
    return number && *number >= least && *number <= most;
}

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return text.starts_with(beginning); });
}

std::optional<Text> unless(bool good, const Phrase& complaint) {
    return good ? std::nullopt : std::optional(say(complaint));
}

} // namespace

std::optional<Text> owner_complaint(const std::string& text) {
    const auto parts = split(text, ':');
    const bool odd = !std::all_of(parts.begin(), parts.end(), is_account);
    return unless(parts.size() <= 2 && !odd && !(parts.size() == 2 && parts[0].empty() && parts[1].empty()),
                  k_no_owner);
}

std::optional<Text> user_complaint(const std::string& text) {
    return unless(is_account(text), k_no_user);
}

std::optional<Text> pointer_complaint(const std::string& text) {
    bool good = text.empty() || text.starts_with('/');
    for (std::size_t i = text.find('~'); i != text.npos; i = text.find('~', i + 1)) {
        good = good && i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
    }
    return unless(good, k_no_pointer);
}

std::optional<Text> unit_complaint(const std::string& text) {
    constexpr std::string_view k_characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789:-_.\\@";
    constexpr std::size_t k_longest = 255;
    if (const std::string latin = as_latin(text); latin != text) {
        return say(k_cyrillic, latin);
    }
    if (text.find_first_not_of(k_characters) != text.npos || text.size() > k_longest ||
        text.starts_with('.')) {
        return say(k_no_unit);
    }
    const std::size_t dot = text.rfind('.');
    if (dot == text.npos || has_unit_ending(text)) {
        return std::nullopt;
    }
    // systemctl would take it for "nginx.servce.service", which nobody means.
    const std::string_view ending = std::string_view(text).substr(dot);
    const std::optional<std::string_view> near = nearest(ending, unit_endings());
    return near ? say(k_unit_ending_near, *near) : say(k_unit_ending);
}

std::optional<Text> ip_address_complaint(const std::string& text) {
    return unless(text.empty() || is_ip_address(text), k_no_ip);
}

std::optional<Text> port_or_network_complaint(const std::string& text) {
    return unless(is_number(text, 1, 65535) || Network::parse(text), k_no_network);
}

std::optional<Text> published_complaint(const std::string& text) {
    const std::string_view port = std::string_view(text).substr(0, text.find('/'));
    const std::string_view protocol = std::string_view(text).substr(port.size());
    const bool good = protocol.empty() || protocol == "/tcp" || protocol == "/udp" || protocol == "/sctp";
    return unless(good && is_number(port, 1, 65535), k_no_port);
}

std::optional<Text> request_path_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"/", "http://", "https://"}), k_no_request_path);
}

std::optional<Text> web_url_complaint(const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    return text.starts_with("unix:") ? say(k_no_web_url) : http_url_complaint(text);
}

// A token (RFC 9110, 5.6.2).
std::optional<Text> header_name_complaint(const std::string& name) {
    constexpr std::string_view k_token =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";
    const bool good = !name.empty() && name.find_first_not_of(k_token) == name.npos;
    return good ? std::nullopt : std::optional(say(k_no_header_name));
}

std::optional<Text> header_value_complaint(const std::string& value) {
    const bool good = std::none_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7F';
    });
    return good ? std::nullopt : std::optional(say(k_no_header_value));
}

// libpq takes the first @ for the end of the password and the first / for that of the host: of a password with either in
// it the rest would become a host or a port, and be named in messages as such.
std::optional<Text> postgres_url_complaint(const std::string& text) {
    if (text.empty()) {
        return std::nullopt;
    }
    if (!begins_with_any(text, {"postgresql://", "postgres://"})) {
        return say(k_no_postgres);
    }
    for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
        const std::string_view code = std::string_view(text).substr(at + 1, 2);
        if (code.size() < 2 || code.find_first_not_of("0123456789abcdefABCDEF") != code.npos) {
            return say(k_odd_postgres);
        }
    }
    std::string_view place = std::string_view(text).substr(text.find("://") + 3);
    place = place.substr(0, place.find('/'));
    const std::size_t user_ends = place.find('@');
    place.remove_prefix(user_ends == place.npos ? 0 : user_ends + 1);
    place = place.substr(0, place.find('?'));
    bool good = place.find_first_of("@# \t") == place.npos;
    for (const std::string_view one : split(place, ',')) { // [::1]:5432,db-2:5433
        const std::size_t host_ends = one.starts_with('[') ? one.find(']') : 0;
        const std::size_t colon = host_ends == one.npos ? one.npos : one.find(':', host_ends);
        const std::string_view port = colon == one.npos ? std::string_view() : one.substr(colon + 1);
        good = good && host_ends != one.npos && (port.empty() || is_number(port, 1, 65535));
    }
    return unless(good, k_odd_postgres);
}

std::optional<Text> database_complaint(const std::string& text) {
    return unless(text.empty() || begins_with_any(text, {"sqlite:", "postgresql:", "postgres:"}),
                  k_no_database);
}

std::optional<Text> mail_url_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"smtps://", "smtp://"}), k_no_mail_url);
}

std::optional<Text> mail_address_complaint(const std::string& text) {
    const std::size_t at = text.find('@');
    return unless(at != text.npos && at > 0 && at + 1 < text.size() &&
                      text.find_first_of("\r\n") == text.npos,
                  k_no_mail_address);
}

std::optional<Text> growth_complaint(const std::string& text) {
    return unless(begins_with_any(text, {"disk:/", "files:/"}) ||
                      (text.starts_with("check:") && text.size() > std::string_view("check:").size()),
                  k_no_growth);
}

std::optional<Text> pattern_complaint(const std::string& text) {
    const std::optional<PatternFault> fault = pattern_fault(text);
    return fault ? std::optional(say(k_no_pattern, expression_words(fault->words), fault->at)) : std::nullopt;
}

Text expression_words(std::string_view said) {
    for (const Phrase& known : k_expression_words) {
        if (said.starts_with(known.in(Lang::en))) {
            const std::string_view rest = said.substr(known.in(Lang::en).size());
            return {std::string(said), std::string(known.in(Lang::ru)).append(rest)};
        }
    }
    return {std::string(said), fmt::format("«{}»", said)};
}

} // namespace lectio

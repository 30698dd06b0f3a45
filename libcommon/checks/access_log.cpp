#include "checks/access_log.h"

#include "util/number.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

// Of what is asked for, as it stands in the log: percent-encoded. Addresses of a site that contain such words by
// themselves are rare enough to be looked at by a person.
const std::vector<std::string>& patterns_of(Attack attack) {
    static const std::vector<std::string> brute_force{
        R"re("POST [^ "]*(?i:login|signin|sign-in|/token|/auth)[^ "]* [^"]*" (400|401|403|429) )re"};
    static const std::vector<std::string> traversal{
        R"re((?i)"[A-Z]+ [^ "]*(\.\.|%2e%2e|%252e)(/|%2f|%5c|\\x5c))re",
        R"re((?i)"[A-Z]+ [^ "]*(/etc/(passwd|shadow)|/proc/self/|win\.ini))re"};
    static const std::vector<std::string> sql_injection{
        R"re((?i)"[A-Z]+ [^ "]*(union(\+|%20|/\*.*?\*/)+(all(\+|%20)+)?select|information_schema|pg_sleep|waitfor(\+|%20)+delay))re",
        R"re((?i)"[A-Z]+ [^ "]*(%27|')(\+|%20)*(or|and)(\+|%20)+[^ "]*(=|%3d))re"};
    static const std::vector<std::string> scanner{
        R"re((?i)"[A-Z]+ [^ "]*(/\.env|/\.git/|/\.aws/|wp-login\.php|xmlrpc\.php|phpmyadmin|/cgi-bin/|/actuator/|/vendor/phpunit))re",
        R"re((?i)" "[^"]*(sqlmap|nikto|nmap|masscan|zgrab|gobuster|dirbuster|wpscan|nuclei|acunetix)[^"]*")re"};
    switch (attack) {
    case Attack::brute_force:
        return brute_force;
    case Attack::traversal:
        return traversal;
    case Attack::sql_injection:
        return sql_injection;
    case Attack::scanner:
        break;
    }
    return scanner;
}

std::string_view next_word(std::string_view& text) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    return word;
}

// $request_time has three digits after its point: 0.123. Other numbers there (a port, a size) have none.
std::optional<double> time_among(std::string_view fields) {
    while (!fields.empty()) {
        std::string_view word = next_word(fields);
        for (const std::string_view key : {"rt=", "request_time="}) {
            if (word.starts_with(key)) {
                word.remove_prefix(key.size());
            }
        }
        const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
        if (!word.empty() && is_digit(word.front()) && word.find('.') != std::string_view::npos) {
            if (const auto seconds = number_from<double>(word); seconds && std::isfinite(*seconds)) {
                return seconds;
            }
        }
    }
    return std::nullopt;
}

constexpr char k_time_prefix = 't';
constexpr double k_wider = 1.1; // each bucket than the one before

double upper_end(int bucket) {
    return std::pow(k_wider, bucket + 1);
}

std::optional<int> bucket_of(std::string_view name) {
    return name.size() > 1 && name.front() == k_time_prefix ? number_from<int>(name.substr(1)) : std::nullopt;
}

} // namespace

std::optional<AccessLine> parse_access_line(std::string_view line) {
    AccessLine parsed;
    std::string_view rest = line;
    parsed.address = next_word(rest);
    const std::size_t opening = rest.find('"');
    const std::size_t closing = opening == std::string_view::npos ? opening : rest.find('"', opening + 1);
    if (parsed.address.empty() || closing == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view request = rest.substr(opening + 1, closing - opening - 1);
    parsed.method = next_word(request);
    parsed.target = next_word(request);
    rest.remove_prefix(closing + 1);
    const auto status = number_from<int>(next_word(rest));
    if (!status || *status < 100 || *status > 599) {
        return std::nullopt;
    }
    parsed.status = *status;
    next_word(rest); // bytes
    const std::size_t last_quote = rest.rfind('"');
    parsed.seconds = time_among(last_quote == std::string_view::npos ? rest : rest.substr(last_quote + 1));
    return parsed;
}

AttackFinder::AttackFinder(const std::vector<Attack>& kinds) {
    for (const Attack kind : kinds) {
        m_kinds.push_back({kind, LineMatcher(patterns_of(kind))});
    }
}

void AttackFinder::look_through(std::string_view lines,
                                const std::function<void(Attack, std::string_view)>& found) {
    for (Kind& kind : m_kinds) {
        kind.matcher.look_through(lines, [&](std::string_view line) {
            std::string_view rest = line;
            found(kind.attack, next_word(rest));
        });
    }
}

std::string time_bucket(double seconds) {
    const double ms = std::clamp(seconds * 1000, 1.0, 1e7);
    return fmt::format("{}{}", k_time_prefix, static_cast<int>(std::log(ms) / std::log(k_wider)));
}

bool is_time_bucket(std::string_view name) {
    return bucket_of(name).has_value();
}

std::optional<double> percentile(const std::map<std::string, std::uint64_t>& tallies, double share) {
    std::map<int, std::uint64_t> buckets;
    std::uint64_t all = 0;
    for (const auto& [name, count] : tallies) {
        if (const auto bucket = bucket_of(name)) {
            buckets[*bucket] += count;
            all += count;
        }
    }
    const double wanted = share * static_cast<double>(all);
    double seen = 0;
    for (const auto& [bucket, count] : buckets) {
        seen += static_cast<double>(count);
        if (seen >= wanted) {
            return upper_end(bucket);
        }
    }
    return std::nullopt;
}

} // namespace lectio

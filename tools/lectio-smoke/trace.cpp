#include "trace.h"

#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "platform/http_failure.h"
#include "util/secret.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::smoke {
namespace {

constexpr std::size_t k_shown_body = 2000;
// Of a body that was kept in part only, a secret that is cut where it ends would not be known for one.
constexpr std::size_t k_longest_cut_secret = 8000;

constexpr Phrase k_body_cut{"… {} in all", "… всего {}"};
constexpr Phrase k_not_kept{"… {} before", "… до этого {}"};
constexpr Noun k_requests{"request", "requests", "запрос", "запроса", "запросов"};
constexpr Phrase k_no_body{"(empty)", "(пусто)"};
constexpr Phrase k_binary{"({}, not text)", "({}, не текст)"};
constexpr Phrase k_time{"time", "время"};
constexpr Phrase k_total{"in all {}", "всего {}"};
constexpr std::array k_phases{
    Phrase{"name {}", "имя {}"},
    Phrase{"connection {}", "соединение {}"},
    Phrase{"TLS {}", "TLS {}"},
    Phrase{"sending {}", "отправка {}"},
    Phrase{"first byte {}", "первый байт {}"},
    Phrase{"body {}", "тело {}"},
};

std::string in_ms(std::chrono::microseconds time) {
    return fmt::format("{:.1f} ms", std::chrono::duration<double, std::milli>(time).count());
}

// How long each phase took: they are kept as the moments at which they were left.
Text time_words(const HttpAnswer& answer) {
    Text words;
    std::chrono::microseconds before{};
    for (std::size_t i = 0; i < k_phases.size(); ++i) {
        if (const auto left = answer.phases[i]) {
            words = join(", ", {words, say(k_phases[i], in_ms(*left - before))});
            before = *left;
        }
    }
    return words.empty() ? say(k_total, in_ms(answer.total))
                         : join(", ", {words, say(k_total, in_ms(answer.total))});
}

// A refresh token lives longer than the one that the walk uses, and need not look like a token.
void remember_tokens(const nlohmann::json& json) {
    constexpr std::array<std::string_view, 6> k_ends{"access", "refresh", "token", "key", "secret", "jwt"};
    for (const auto& [name, value] : json.items()) {
        const std::string lower = to_lower_ascii(name);
        const bool is_token = std::any_of(k_ends.begin(), k_ends.end(),
                                          [&](std::string_view end) { return lower.ends_with(end); });
        if (value.is_string() && is_token) {
            remember_secret(value.get_ref<const std::string&>());
        } else if (value.is_structured()) {
            remember_tokens(value);
        }
    }
}

void remember_tokens_of(const HttpAnswer& answer) {
    nlohmann::json json;
    if (!parse_body(answer, json) && json.is_object()) {
        remember_tokens(json);
    }
}

class Trace {
  public:
    explicit Trace(Lang lang) : m_lang(lang) {}

    void add(const std::string& name, const std::deque<Exchange>& exchanges) {
        if (const int before = exchanges.front().number - 1; before > 0) {
            m_text += fmt::format("\n── {}\n", name);
            line("=", say(k_not_kept, counted(before, k_requests)).in(m_lang));
        }
        for (const Exchange& exchange : exchanges) {
            add(name, exchange);
        }
    }

    void add(const std::string& name, const Exchange& exchange) {
        m_text += fmt::format("\n── {}\n", name);
        line(">", fmt::format("{} {}", exchange.request.method, exchange.request.url));
        add_headers(">", exchange.request.headers);
        add_body(">", exchange.request.body, exchange.sent);
        const HttpAnswer& answer = exchange.answer;
        for (const HttpHop& hop : answer.hops) {
            line("<", fmt::format("HTTP {} {}", hop.status, hop.url));
        }
        if (answer.failure != HttpAnswer::Failure::none) {
            line("<", http_failure_words(answer, answer.final_url).in(m_lang));
        } else {
            line("<", fmt::format("HTTP {} {}", answer.status, answer.final_url));
            add_headers("<", answer.headers);
            add_body("<", answer.body, exchange.received);
        }
        line("=", fmt::format("{}: {}", k_time.in(m_lang), time_words(answer).in(m_lang)));
    }

    void add_compared(const StepSettings& step) {
        const std::string_view by_default = step.range.empty() ? "2xx" : "206";
        expect("status", step.status ? step.status->words() : std::string(by_default));
        if (!step.range.empty()) {
            expect("range", step.range);
        }
        for (const auto& [name, pattern] : step.expect_headers) {
            expect(name, pattern);
        }
        for (const auto& [pointer, expected] : step.expect_json) {
            expect(pointer, expected.text);
        }
        for (const auto& [what, texts] :
             {std::pair{"contains", &step.contains}, std::pair{"not_contains", &step.not_contains},
              std::pair{"matches", &step.matches}}) {
            for (const std::string& text : *texts) {
                expect(what, text);
            }
        }
        expect("max_size", format_size(step.max_size));
        for (const auto& [what, limit] :
             {std::pair{"max_time", step.max_time}, std::pair{"within", step.within}}) {
            if (limit > Duration::zero()) {
                expect(what, format_duration(limit));
            }
        }
    }

    [[nodiscard]] std::string text() && { return std::move(m_text); }

  private:
    void expect(std::string_view what, std::string_view value) {
        line("?", fmt::format("{}: {}", what, value));
    }

    void line(std::string_view mark, std::string_view words) {
        m_text += fmt::format("{} {}\n", mark, redact(clean_line(words)));
    }

    // What carries an identity is masked also where it was never told to us as a secret.
    void add_headers(std::string_view mark, const Headers& headers) {
        for (const auto& [name, value] : headers) {
            const std::string lower = to_lower_ascii(name);
            constexpr std::array<std::string_view, 6> k_parts{"auth", "cookie",  "token",
                                                              "key",  "session", "secret"};
            const bool secret = std::any_of(k_parts.begin(), k_parts.end(), [&](std::string_view part) {
                return lower.find(part) != std::string::npos;
            });
            line(mark, fmt::format("{}: {}", name, secret ? "***" : value));
        }
    }

    // `size`: of all of it.
    void add_body(std::string_view mark, const std::string& body, std::size_t size) {
        if (body.empty()) {
            line(mark, k_no_body.in(m_lang));
        } else if (body.find('\0') != std::string::npos || !is_utf8(body)) {
            line(mark, say(k_binary, format_size({size})).in(m_lang));
        } else {
            // Masked before it is cut: the beginning of a secret would not be known for one.
            std::string masked = redact(body);
            if (size > body.size()) {
                masked.resize(masked.size() - std::min(masked.size(), k_longest_cut_secret));
            }
            line(mark, shorten(masked, k_shown_body));
            if (size > k_shown_body) {
                line(mark, say(k_body_cut, format_size({size})).in(m_lang));
            }
        }
    }

    Lang m_lang;
    std::string m_text;
};

} // namespace

std::string trace_of(const Trip& trip, const SmokeSettings& smoke, const std::vector<std::string>& names,
                     Lang lang) {
    Trace trace(lang);
    for (const std::string& name : names) {
        const Walk* walk = trip.last_of(name);
        if (walk == nullptr || walk->exchanges_of(name).empty()) {
            continue;
        }
        const bool is_login =
            std::any_of(smoke.logins.begin(), smoke.logins.end(),
                        [&](const LoginSettings& login) { return check_of_login(login.name) == name; });
        const std::deque<Exchange>& exchanges = walk->exchanges_of(name);
        if (is_login) {
            for (const Exchange& exchange : exchanges) {
                remember_tokens_of(exchange.answer);
            }
        }
        trace.add(name, exchanges);
        for (const StepSettings& step : smoke.steps) {
            if (step.name == name) {
                trace.add_compared(step);
            }
        }
    }
    return std::move(trace).text();
}

} // namespace lectio::smoke

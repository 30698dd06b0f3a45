#include "checks/http_expect.h"

#include "checks/http_words.h"
#include "util/json_depth.h"
#include "util/pattern.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr std::size_t k_shown_characters = 80;

constexpr Phrase k_good{"HTTP {} in {}", "HTTP {} за {}"};
constexpr Phrase k_slow{"slow: HTTP {} after {}, wanted within {}",
                        "медленно: HTTP {} через {}, а нужно не дольше {}"};
constexpr Phrase k_slow_hint{"look what the machine is busy with: top; and at the log of the application",
                             "посмотрите, чем занят сервер: top; и журнал приложения"};
constexpr Phrase k_hops{"redirected: {}", "перенаправления: {}"};
constexpr Phrase k_lacks{"the page lacks “{}”", "на странице нет «{}»"};
constexpr Phrase k_has{"the page contains “{}”, which it must not",
                       "на странице есть «{}», а быть не должно"};
constexpr Phrase k_no_match{"the page does not match “{}”", "страница не подходит под выражение «{}»"};
constexpr Phrase k_pattern_fault{"the expression “{}” cannot be tried: {}",
                                 "выражение «{}» не удалось применить: {}"};
constexpr Phrase k_no_header{"the header {} is missing", "нет заголовка {}"};
constexpr Phrase k_other_header{"the header {} is “{}”, expected “{}”",
                                "заголовок {} — «{}», ожидалось «{}»"};
constexpr Phrase k_not_utf8{"the answer is no JSON: it is not even UTF-8",
                            "ответ — не JSON: это даже не UTF-8"};
constexpr Phrase k_too_deep{"the answer is JSON nested deeper than {}", "JSON в ответе вложен глубже {}"};
constexpr Phrase k_not_json{"the answer is no JSON", "ответ — не JSON"};
constexpr Phrase k_no_value{"the answer has no {}", "в ответе нет {}"};
constexpr Phrase k_other_value{"{} is {}, expected {}", "{} — {}, ожидалось {}"};
constexpr Phrase k_html{"an HTML page came, no JSON: “{}”", "пришла HTML-страница, а не JSON: «{}»"};
constexpr Phrase k_empty_body{"the answer is empty, no JSON", "ответ пустой, а не JSON"};

} // namespace

Wrong critical(Text message, const HttpAnswer& answer) {
    CheckResult result;
    result.status = Status::critical;
    result.message = std::move(message);
    result.evidence = excerpt(answer.body);
    return result;
}

Wrong wrong_header(const HttpAnswer& answer, const std::string& name, const std::string& expected,
                   bool (*agrees)(std::string_view seen, std::string_view expected)) {
    // A name may stand there more than once (Set-Cookie, Link): one of them is enough.
    std::string seen;
    bool is_there = false;
    for (const auto& [key, value] : answer.headers) {
        if (key != to_lower_ascii(name)) {
            continue;
        }
        if (agrees(value, expected)) {
            return std::nullopt;
        }
        seen += (is_there ? ", " : "") + value;
        is_there = true;
    }
    return is_there
               ? critical(say(k_other_header, name, shorten(clean_line(seen), k_shown_characters), expected),
                          {})
               : critical(say(k_no_header, name), {});
}

Wrong wrong_text(const HttpAnswer& answer, const std::vector<std::string>& contains,
                 const std::vector<std::string>& not_contains) {
    const auto has = [&](const std::string& part) { return answer.body.find(part) != std::string::npos; };
    for (const std::string& part : contains) {
        if (!has(part)) {
            return critical(say(k_lacks, shorten(part, k_shown_characters)), answer);
        }
    }
    for (const std::string& part : not_contains) {
        if (has(part)) {
            return critical(say(k_has, shorten(part, k_shown_characters)), answer);
        }
    }
    return std::nullopt;
}

Wrong wrong_pattern(const HttpAnswer& answer, const std::vector<std::string>& matches) {
    for (const std::string& expression : matches) {
        const auto pattern = Pattern::compile(expression);
        const Result<bool> found = pattern.ok() ? pattern.value().found_in(answer.body) : pattern.error();
        if (!found.ok()) {
            Wrong fault = critical(say(k_pattern_fault, expression, error_words(found.error().message)), {});
            fault->status = Status::unknown; // the page may be well
            return fault;
        }
        if (!found.value()) {
            return critical(say(k_no_match, shorten(expression, k_shown_characters)), answer);
        }
    }
    return std::nullopt;
}

bool is_html(const HttpAnswer& answer) {
    const std::string start = to_lower_ascii(trim(answer.body).substr(0, 100));
    return start.starts_with("<!doctype html") || start.starts_with("<html");
}

std::string title_of(const HttpAnswer& answer) {
    constexpr std::string_view k_open = "<title>";
    const std::string lower = to_lower_ascii(answer.body);
    const std::size_t begin = lower.find(k_open);
    const std::size_t end = lower.find("</title>", begin);
    if (begin == std::string::npos || end == std::string::npos) {
        return "";
    }
    const std::string_view title = answer.body;
    return shorten(clean_line(title.substr(begin + k_open.size(), end - begin - k_open.size())),
                   k_shown_characters);
}

Wrong parse_body(const HttpAnswer& answer, Json& json) {
    if (!is_utf8(answer.body)) {
        return critical(say(k_not_utf8), {});
    }
    if (json_depth(answer.body) > k_max_json_depth) {
        return critical(say(k_too_deep, k_max_json_depth), {});
    }
    json = Json::parse(answer.body, nullptr, false);
    if (!json.is_discarded()) {
        return std::nullopt;
    }
    if (trim(answer.body).empty()) {
        return critical(say(k_empty_body), {});
    }
    const std::string title = is_html(answer) ? title_of(answer) : "";
    return critical(title.empty() ? say(k_not_json) : say(k_html, title), answer);
}

// Absent where the pointer leads nowhere. The configuration has been told of a malformed one.
const Json* value_at(const Json& json, const std::string& pointer) {
    try {
        const Json::json_pointer place(pointer);
        return json.contains(place) ? &json.at(place) : nullptr;
    } catch (const Json::exception&) {
        return nullptr;
    }
}

std::string shown(const Json& value) {
    return shorten(clean_line(value.dump(-1, ' ', false, Json::error_handler_t::replace)),
                   k_shown_characters);
}

Wrong missing_value(const HttpAnswer& answer, const std::string& pointer) {
    return critical(say(k_no_value, pointer), answer);
}

Wrong wrong_value(const HttpAnswer& answer, const Json& json, const std::string& pointer,
                  const std::string& expected) {
    const Json wanted = Json::parse(expected, nullptr, false);
    const Json* seen = value_at(json, pointer);
    if (seen == nullptr) {
        return missing_value(answer, pointer);
    }
    if (*seen != wanted) {
        return critical(say(k_other_value, pointer, shown(*seen), shown(wanted)), answer);
    }
    return std::nullopt;
}

// "302 http://site/ → 301 https://site/ → https://site/login": where it went wrong is often one step earlier.
Text hops_words(const HttpAnswer& answer) {
    std::string way;
    for (const HttpHop& hop : answer.hops) {
        way += fmt::format("{} {} → ", hop.status, shorten(clean_line(hop.url), k_shown_characters));
    }
    return say(k_hops, way + shorten(clean_line(answer.final_url), k_shown_characters));
}

CheckResult judge_time(const HttpAnswer& answer, Duration max_time) {
    const auto total = std::chrono::duration_cast<Duration>(answer.total);
    CheckResult result;
    if (max_time > 0ms && total > max_time) {
        result.status = Status::warning;
        result.message = say(k_slow, answer.status, format_duration(total), format_duration(max_time));
        result.hint = say(k_slow_hint);
    } else {
        result.status = Status::ok;
        result.message = say(k_good, answer.status, format_duration(total));
    }
    return result;
}

} // namespace lectio

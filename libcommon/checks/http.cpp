#include "checks/http.h"

#include "checks/http_words.h"
#include "config/complaints.h"
#include "util/json_depth.h"
#include "util/pattern.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr int k_max_json_depth = 100; // CONTRACT 9
constexpr std::size_t k_shown_characters = 80;

constexpr Phrase k_good{"HTTP {} in {}", "HTTP {} за {}"};
constexpr Phrase k_slow{"slow: HTTP {} after {}, wanted within {}",
                        "медленно: HTTP {} через {}, а нужно не дольше {}"};
constexpr Phrase k_slow_hint{"look what the machine is busy with: top; and at the log of the application",
                             "посмотрите, чем занят сервер: top; и журнал приложения"};
constexpr Phrase k_withheld{
    "headers and certificate of this check are not sent to where it was redirected, {}",
    "заголовки и сертификат этой проверки не отправляются туда, куда её перенаправили: {}"};
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
constexpr Phrase k_no_method{"expected a method like \"GET\", in capitals",
                             "ожидается метод вроде \"GET\", заглавными буквами"};
constexpr Phrase k_no_header_name{"expected the name of a header, like \"Accept\"",
                                  "ожидается имя заголовка вроде \"Accept\""};
constexpr Phrase k_no_one_line{"expected one line", "ожидается одна строка"};
constexpr Phrase k_other_value{"{} is {}, expected {}", "{} — {}, ожидалось {}"};

using Wrong = std::optional<CheckResult>;

Wrong critical(Text message, const HttpAnswer& answer) {
    CheckResult result;
    result.status = Status::critical;
    result.message = std::move(message);
    result.evidence = excerpt(answer.body);
    return result;
}

Wrong judge_headers(const HttpAnswer& answer, const HttpSettings& settings) {
    for (const auto& [name, expected] : settings.expect_headers) {
        const std::string* seen = answer.header(to_lower_ascii(name));
        if (seen == nullptr) {
            return critical(say(k_no_header, name), {});
        }
        if (!contains_ignoring_case(*seen, expected)) {
            return critical(
                say(k_other_header, name, shorten(clean_line(*seen), k_shown_characters), expected), {});
        }
    }
    return std::nullopt;
}

Wrong judge_text(const HttpAnswer& answer, const HttpSettings& settings) {
    const auto has = [&](const std::string& part) { return answer.body.find(part) != std::string::npos; };
    for (const std::string& part : settings.contains) {
        if (!has(part)) {
            return critical(say(k_lacks, shorten(part, k_shown_characters)), answer);
        }
    }
    for (const std::string& part : settings.not_contains) {
        if (has(part)) {
            return critical(say(k_has, shorten(part, k_shown_characters)), answer);
        }
    }
    return std::nullopt;
}

Wrong judge_patterns(const HttpAnswer& answer, const HttpSettings& settings) {
    for (const std::string& expression : settings.matches) {
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

Wrong judge_json(const HttpAnswer& answer, const HttpSettings& settings) {
    if (settings.json.empty()) {
        return std::nullopt;
    }
    if (!is_utf8(answer.body)) {
        return critical(say(k_not_utf8), {});
    }
    if (json_depth(answer.body) > k_max_json_depth) {
        return critical(say(k_too_deep, k_max_json_depth), {});
    }
    const Json json = Json::parse(answer.body, nullptr, false);
    if (json.is_discarded()) {
        return critical(say(k_not_json), answer);
    }
    for (const auto& [pointer, expected_text] : settings.json) {
        const Json expected = Json::parse(expected_text.text, nullptr, false);
        const Json* seen = value_at(json, pointer);
        if (seen == nullptr) {
            return critical(say(k_no_value, pointer), answer);
        }
        if (*seen != expected) {
            return critical(say(k_other_value, pointer, shown(*seen), shown(expected)), answer);
        }
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

CheckResult judge_time(const HttpAnswer& answer, const HttpSettings& settings) {
    const auto total = std::chrono::duration_cast<Duration>(answer.total);
    CheckResult result;
    if (settings.max_time > 0ms && total > settings.max_time) {
        result.status = Status::warning;
        result.message =
            say(k_slow, answer.status, format_duration(total), format_duration(settings.max_time));
        result.hint = say(k_slow_hint);
    } else {
        result.status = Status::ok;
        result.message = say(k_good, answer.status, format_duration(total));
    }
    return result;
}

CheckResult judge(const HttpAnswer& answer, const HttpSettings& settings) {
    if (Wrong wrong = http_failure(answer, http_request(settings))) {
        return *std::move(wrong);
    }
    if (Wrong wrong = wrong_status(answer, settings.status)) {
        return *std::move(wrong);
    }
    for (const auto& part : {judge_headers, judge_text, judge_patterns, judge_json}) {
        if (Wrong wrong = part(answer, settings)) {
            return *std::move(wrong);
        }
    }
    return judge_time(answer, settings);
}

bool is_token(std::string_view text) { // RFC 9110, 5.6.2
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

std::optional<Text> method_complaint(const std::string& text) {
    const bool good =
        is_token(text) && std::none_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    return good ? std::nullopt : std::optional(say(k_no_method));
}

std::optional<Text> header_name_complaint(const std::string& name) {
    return is_token(name) ? std::nullopt : std::optional(say(k_no_header_name));
}

// Its end would begin another header.
std::optional<Text> header_complaint(const Secret& value) {
    const bool good = value.reveal().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
    return good ? std::nullopt : std::optional(say(k_no_one_line));
}

const Schema<HttpSettings>& http_schema() {
    static const Schema<HttpSettings> schema =
        Schema<HttpSettings>{
            required("url", &HttpSettings::url, "http://, https:// or unix:/path.sock:/request/path")
                .check(http_url_complaint),
            optional("status", &HttpSettings::status, "statuses that are good"),
            optional("follow", &HttpSettings::follow, "redirects, up to 5"),
            optional("contains", &HttpSettings::contains, "text that the page must hold")
                .or_single()
                .not_empty(),
            optional("not_contains", &HttpSettings::not_contains, "text that it must not hold")
                .or_single()
                .not_empty(),
            optional("matches", &HttpSettings::matches, "regular expression found in the page")
                .or_single()
                .check(pattern_complaint),
            optional("json", &HttpSettings::json, "values by JSON pointer: { \"/checks/database\" = \"ok\" }")
                .check_keys(pointer_complaint),
            optional("expect_headers", &HttpSettings::expect_headers,
                     "headers that the answer has, and a part of their value")
                .check_keys(header_name_complaint),
            optional("max_time", &HttpSettings::max_time, "slower than this: warning").between(0ms, 1h),
            optional("timeout", &HttpSettings::timeout, "no full answer by then: critical").between(10ms, 1h),
            optional("method", &HttpSettings::method, "of the request").check(method_complaint),
            optional("headers", &HttpSettings::headers, "sent with the request")
                .check_keys(header_name_complaint)
                .check(header_complaint),
            optional("body", &HttpSettings::body, "sent with the request"),
            optional("ca", &HttpSettings::ca, "PEM file of the authority; the system's when empty"),
            optional("client_cert", &HttpSettings::client_cert, "PEM file"),
            optional("client_key", &HttpSettings::client_key, "PEM file; in client_cert when empty"),
            optional("max_body", &HttpSettings::max_body, "more than this, decoded: critical")
                .between(1_kB, 1_GB),
            optional("verify", &HttpSettings::verify, "the certificate and its name"),
            optional("http_version", &HttpSettings::http_version, "the best both know when empty")
                .one_of({"", "1.1", "2"}),
            optional("resolve", &HttpSettings::resolve, "connect to this address; Host and SNI stay")
                .check(ip_address_complaint)}
            .verify([](const HttpSettings& settings) {
                return max_time_complaints(settings.max_time, settings.timeout);
            });
    return schema;
}

class HttpCheck final : public AsyncCheck {
  public:
    explicit HttpCheck(HttpSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        HttpRequest request = http_request(m_settings);
        const HttpAnswer answer = co_await fetch(context.world.http, std::move(request));
        co_return evaluate_http(answer, m_settings);
    }

  private:
    HttpSettings m_settings;
};

} // namespace

HttpRequest http_request(const HttpSettings& settings) {
    HttpRequest request;
    request.method = settings.method;
    request.url = settings.url;
    for (const auto& [name, value] : settings.headers) {
        request.headers.emplace_back(name, value.reveal());
    }
    request.body = settings.body.reveal();
    request.follow = settings.follow;
    request.verify = settings.verify;
    request.ca = settings.ca;
    request.client_cert = settings.client_cert;
    request.client_key = settings.client_key;
    request.resolve = settings.resolve;
    request.http_version = settings.http_version;
    request.max_body = settings.max_body;
    request.timeout = settings.timeout;
    return request;
}

CheckResult evaluate_http(const HttpAnswer& answer, const HttpSettings& settings) {
    CheckResult result = judge(answer, settings);
    if (!answer.hops.empty() && result.status != Status::ok) {
        result.hint =
            result.hint.empty() ? hops_words(answer) : join("; ", {result.hint, hops_words(answer)});
    }
    if (answer.withheld && result.status != Status::ok) {
        result.hint = join("; ", {result.hint, say(k_withheld, answer.final_url)});
    }
    Metric time{"time", seconds(answer.total), "s", std::nullopt, seconds(settings.timeout)};
    if (settings.max_time > 0ms) {
        time.warn = seconds(settings.max_time);
    }
    result.metrics.push_back(std::move(time));
    return result;
}

CheckType http_check_type() {
    return make_check_type<http_schema, HttpCheck>("http", Layer::web, Recheck::yes,
                                                   "a page answers as it should, and soon enough");
}

} // namespace lectio

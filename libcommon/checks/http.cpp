#include "checks/http.h"

#include "checks/beside.h"
#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "config/complaints.h"
#include "util/text.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Phrase k_hint_max_body{"raise max_body if this size is right",
                                 "если такой размер — норма, увеличьте max_body"};
constexpr Phrase k_withheld{
    "headers and certificate of this check are not sent to where it was redirected, {}",
    "заголовки и сертификат этой проверки не отправляются туда, куда её перенаправили: {}"};
constexpr Phrase k_no_method{"expected a method like \"GET\", in capitals",
                             "ожидается метод вроде \"GET\", заглавными буквами"};
constexpr Phrase k_no_one_line{"expected one line", "ожидается одна строка"};

Wrong judge_headers(const HttpAnswer& answer, const HttpSettings& settings) {
    for (const auto& [name, expected] : settings.expect_headers) {
        if (Wrong wrong = wrong_header(answer, name, expected, contains_ignoring_case)) {
            return wrong;
        }
    }
    return std::nullopt;
}

Wrong judge_text(const HttpAnswer& answer, const HttpSettings& settings) {
    return wrong_text(answer, settings.contains, settings.not_contains);
}

Wrong judge_patterns(const HttpAnswer& answer, const HttpSettings& settings) {
    return wrong_pattern(answer, settings.matches);
}

Wrong judge_json(const HttpAnswer& answer, const HttpSettings& settings) {
    if (settings.json.empty()) {
        return std::nullopt;
    }
    Json json;
    if (Wrong wrong = parse_body(answer, json)) {
        return wrong;
    }
    for (const auto& [pointer, expected] : settings.json) {
        if (Wrong wrong = wrong_value(answer, json, pointer, expected.text)) {
            return wrong;
        }
    }
    return std::nullopt;
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
    return judge_time(answer, settings.max_time);
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

class HttpCheck final : public AskedBeside {
  public:
    explicit HttpCheck(HttpSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        HttpRequest request = http_request(m_settings);
        request.new_connection = context.recheck;
        const HttpAnswer answer = co_await fetch(context.world.http, std::move(request));
        CheckResult result = evaluate_http(answer, m_settings);
        result.took = answer.total; // without the turns of others: not all of hundreds are under way at once
        co_return result;
    }

    std::optional<Duration> limit_of_silence() const override {
        const bool is_safe = m_settings.method == "GET" || m_settings.method == "HEAD"; // RFC 9110, 9.2.1
        return is_safe ? std::optional(m_settings.timeout) : std::nullopt;
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
    if (answer.failure == HttpAnswer::Failure::too_large) {
        result.hint = say(k_hint_max_body);
    }
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

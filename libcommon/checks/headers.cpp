#include "checks/headers.h"

#include "checks/findings.h"
#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "config/complaints.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <fmt/format.h>

namespace lectio {
namespace {

using Header = HeadersSettings::Header;
using Findings = std::vector<Finding>;

constexpr std::int64_t k_least_hsts =
    180LL * 24 * 3600; // seconds: what browsers' preload lists and scanners ask for
constexpr std::size_t k_shown_value = 60;

constexpr Phrase k_all_good{"nothing found", "замечаний нет"};
constexpr Phrase k_missing{"no {} header", "нет заголовка {}"};
constexpr Phrase k_weak{"{} is \"{}\"", "{}: «{}»"};

constexpr Phrase k_plain{"{} is asked over http: there is no HSTS there",
                         "{} открывается по http: HSTS там не бывает"};
constexpr Phrase k_plain_mend{"ask the https:// page", "укажите страницу с https://"};
constexpr Phrase k_short_hsts{"HSTS holds for {} only", "HSTS действует лишь {}"};
constexpr Phrase k_why_hsts{"the first visit over http can be taken over by whoever sits in the same network",
                            "первый заход по http может перехватить любой в той же сети"};
constexpr Phrase k_why_csp{"a script that slips into a page may do all that its visitor may",
                           "скрипт, попавший на страницу, сможет всё, что может посетитель"};
constexpr Phrase k_why_nosniff{
    "an uploaded file may be run as a script, whatever type it is sent with",
    "загруженный файл браузер может выполнить как скрипт, с каким бы типом его ни отдали"};
constexpr Phrase k_why_frame{"the page can be laid invisibly under another site's buttons",
                             "страницу можно незаметно подложить под кнопки чужого сайта"};
constexpr Phrase k_why_referrer{
    "addresses of inner pages, with what stands in them, go to other sites",
    "адреса внутренних страниц вместе с тем, что в них есть, уходят на чужие сайты"};
constexpr Phrase k_why_permissions{"every script of the page may ask for camera, microphone and place",
                                   "любой скрипт страницы может попросить камеру, микрофон и местоположение"};

constexpr Phrase k_cors_open{"{} may read answers with the visitor's cookies",
                             "{} может читать ответы с куками посетителя"};
constexpr Phrase k_cors_any{"CORS allows every site, with cookies", "CORS разрешён всем сайтам, с куками"};
constexpr Phrase k_cors_echo{"CORS allows {}", "CORS разрешён для {}"};
constexpr Phrase k_why_cors{
    "any page that a visitor opens can act and read here in their name",
    "любая страница, открытая посетителем, сможет читать и действовать здесь от его имени"};
constexpr Phrase k_why_cors_bare{"other sites may read what is answered to anyone",
                                 "чужие сайты могут читать то, что отдаётся всем"};
constexpr Phrase k_mend_cors{"name the origins: CORS_ALLOWED_ORIGINS, never CORS_ALLOW_ALL_ORIGINS",
                             "перечислите адреса: CORS_ALLOWED_ORIGINS, а не CORS_ALLOW_ALL_ORIGINS"};

constexpr Phrase k_cookie{"the cookie {} lacks {}", "у куки {} нет {}"};
constexpr Phrase k_why_secure{"it is sent over http, too, where it can be read",
                              "она уходит и по http, где её можно прочесть"};
constexpr Phrase k_why_http_only{"a script on the page can take the session away",
                                 "скрипт на странице может украсть сессию"};
constexpr Phrase k_why_same_site{"other sites can send requests with it",
                                 "чужие сайты могут слать запросы с ней"};
constexpr std::string_view k_mend_cookie =
    "Django: SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE, SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE";

constexpr Phrase k_nothing_asked{"say what to look for: require, cookies, cors_origin or hide_version",
                                 "укажите, что искать: require, cookies, cors_origin или hide_version"};
constexpr Phrase k_version{"{} tells its version: {}", "{} выдаёт версию: {}"};
constexpr Phrase k_why_version{"whoever looks for a known hole finds this server by it",
                               "по ней этот сервер находят те, кто ищет известные дыры"};
constexpr std::string_view k_mend_server = "nginx: server_tokens off;";

// A check that looks for nothing would say for ever that it has found nothing.
std::vector<Complaint> headers_complaints(const HeadersSettings& settings) {
    const bool looks = !settings.require.empty() || !settings.cors_origin.empty() || settings.cookies ||
                       settings.hide_version;
    return looks ? std::vector<Complaint>{} : std::vector<Complaint>{{"require", say(k_nothing_asked)}};
}

const Schema<HeadersSettings>& headers_schema() {
    static const Schema<HeadersSettings> schema =
        Schema<HeadersSettings>{
            required("url", &HeadersSettings::url, "the page").check(web_url_complaint),
            optional("require", &HeadersSettings::require, "security headers that must be there")
                .one_of({{"hsts", Header::hsts},
                         {"csp", Header::csp},
                         {"nosniff", Header::nosniff},
                         {"frame", Header::frame},
                         {"referrer", Header::referrer},
                         {"permissions", Header::permissions}}),
            optional("cors_origin", &HeadersSettings::cors_origin, "an origin that must not be allowed")
                .check(web_url_complaint),
            optional("cookies", &HeadersSettings::cookies, "Secure, HttpOnly, SameSite"),
            optional("hide_version", &HeadersSettings::hide_version, "no server version is told"),
        }
            .verify(headers_complaints);
    return schema;
}

std::string shown(std::string_view value) {
    return shorten(clean_line(value), k_shown_value);
}

std::string lower_header(const HttpAnswer& answer, std::string_view name) {
    const std::string* value = answer.header(name);
    return value == nullptr ? std::string() : to_lower_ascii(trim(*value));
}

// ── what must be there ──────────────────────────────────────────────────────────────────────────────────────────

Finding about(const SecurityHeader& rule, Text seen) {
    return {Status::warning, std::move(seen), say(rule.why),
            verbatim(fmt::format("nginx: add_header {} \"{}\" always;", rule.name, rule.advice))};
}

// RFC 6797, 6.1: directives between semicolons, the value of max-age perhaps quoted. Nothing: it has none.
std::optional<std::int64_t> max_age_of(std::string_view value) {
    for (const std::string_view part : split(value, ';')) {
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos || trim(part.substr(0, equals)) != "max-age") {
            continue;
        }
        std::string_view number = trim(part.substr(equals + 1));
        if (number.size() > 1 && number.front() == '"' && number.back() == '"') {
            number = number.substr(1, number.size() - 2);
        }
        return number_from<std::int64_t>(number);
    }
    return std::nullopt;
}

std::optional<Text> wrong_hsts(const HttpAnswer& page, const SecurityHeader& rule,
                               const HeadersSettings& settings) {
    const std::string value = lower_header(page, "strict-transport-security");
    if (!settings.url.starts_with("https://")) {
        return say(k_plain, shown(settings.url));
    }
    if (value.empty()) {
        return say(k_missing, rule.name);
    }
    const std::optional<std::int64_t> age = max_age_of(value);
    if (!age) {
        return say(k_weak, rule.name, shown(value));
    }
    return *age < k_least_hsts ? std::optional(say(k_short_hsts, spoken(*age))) : std::nullopt;
}

// What a header of this kind says, with whether it says enough.
std::optional<Text> wrong_header(const HttpAnswer& page, Header header, const HeadersSettings& settings) {
    const SecurityHeader rule = security_header(header);
    if (header == Header::hsts) {
        return wrong_hsts(page, rule, settings);
    }
    const std::string value = lower_header(page, to_lower_ascii(rule.name));
    const bool framed_by_csp =
        header == Header::frame &&
        lower_header(page, "content-security-policy").find("frame-ancestors") != std::string::npos;
    if (framed_by_csp) {
        return std::nullopt;
    }
    if (value.empty()) {
        return say(k_missing, rule.name);
    }
    const bool weak = (header == Header::nosniff && value != "nosniff") ||
                      (header == Header::frame && value != "deny" && value != "sameorigin") ||
                      (header == Header::referrer && value.ends_with("unsafe-url"));
    return weak ? std::optional(say(k_weak, rule.name, shown(value))) : std::nullopt;
}

void find_missing(const HttpAnswer& page, const HeadersSettings& settings, Findings& findings) {
    for (const Header header : settings.require) {
        if (std::optional<Text> seen = wrong_header(page, header, settings)) {
            Finding finding = about(security_header(header), std::move(*seen));
            if (header == Header::hsts && !settings.url.starts_with("https://")) {
                finding.mend = say(k_plain_mend);
            }
            findings.push_back(std::move(finding));
        }
    }
}

// ── CORS (fetch.spec.whatwg.org, 3.2) ───────────────────────────────────────────────────────────────────────────

void find_cors(const HttpAnswer& foreign, const HeadersSettings& settings, Findings& findings) {
    const std::string allowed = lower_header(foreign, "access-control-allow-origin");
    const bool with_cookies = lower_header(foreign, "access-control-allow-credentials") == "true";
    const bool this_one = allowed == to_lower_ascii(settings.cors_origin);
    if (this_one && with_cookies) {
        findings.push_back({Status::critical, say(k_cors_open, shown(settings.cors_origin)), say(k_why_cors),
                            say(k_mend_cors)});
    } else if (allowed == "*" && with_cookies) { // browsers refuse it; the next setting will not be refused
        findings.push_back({Status::warning, say(k_cors_any), say(k_why_cors), say(k_mend_cors)});
    } else if (this_one) {
        findings.push_back({Status::warning, say(k_cors_echo, shown(settings.cors_origin)),
                            say(k_why_cors_bare), say(k_mend_cors)});
    }
}

// ── cookies (RFC 6265bis) ───────────────────────────────────────────────────────────────────────────────────────

// SameSite=None keeps nobody out, as if it were missing.
bool has_attribute(std::string_view cookie, std::string_view name) {
    const std::vector<std::string_view> parts = split(cookie, ';');
    return std::any_of(parts.begin() + 1, parts.end(), [&](std::string_view part) {
        const std::size_t equals = std::min(part.find('='), part.size());
        const std::string value = to_lower_ascii(trim(part.substr(std::min(equals + 1, part.size()))));
        return to_lower_ascii(trim(part.substr(0, equals))) == name &&
               !(name == "samesite" && value == "none");
    });
}

// Django's CSRF cookie is read by the page's own scripts.
bool is_for_scripts(std::string_view name) {
    const std::string lower = to_lower_ascii(name);
    return lower.find("csrf") != std::string::npos || lower.find("xsrf") != std::string::npos;
}

void find_bare_cookies(const HttpAnswer& page, const HeadersSettings& settings, Findings& findings) {
    for (const auto& [header, cookie] : page.headers) {
        if (header != "set-cookie") {
            continue;
        }
        const std::size_t equals = cookie.find('=');
        if (equals == std::string::npos || equals > cookie.find(';')) {
            continue; // without a name, and its value may be a session (RFC 6265, 5.2: ignored)
        }
        const std::string name(trim(std::string_view(cookie).substr(0, equals)));
        const auto lacks = [&](std::string_view attribute, std::string_view lower, const Phrase& why) {
            if (!has_attribute(cookie, lower)) {
                findings.push_back({Status::warning, say(k_cookie, shown(name), attribute), say(why),
                                    verbatim(k_mend_cookie)});
            }
        };
        if (settings.url.starts_with("https://")) {
            lacks("Secure", "secure", k_why_secure);
        }
        if (!is_for_scripts(name)) {
            lacks("HttpOnly", "httponly", k_why_http_only);
        }
        lacks("SameSite", "samesite", k_why_same_site);
    }
}

void find_versions(const HttpAnswer& page, Findings& findings) {
    const std::string* server = page.header("server");
    const bool digits = server != nullptr && std::any_of(server->begin(), server->end(), [](unsigned char c) {
                            return std::isdigit(c) != 0;
                        });
    if (digits) {
        findings.push_back({Status::warning, say(k_version, "Server", shown(*server)), say(k_why_version),
                            verbatim(k_mend_server)});
    }
    for (const std::string_view name : {"X-Powered-By", "X-AspNet-Version", "X-Runtime"}) {
        if (const std::string* value = page.header(to_lower_ascii(name))) {
            findings.push_back({Status::warning, say(k_version, name, shown(*value)), say(k_why_version),
                                verbatim(fmt::format("nginx: proxy_hide_header {};", name))});
        }
    }
}

class HeadersCheck final : public AsyncCheck {
  public:
    explicit HeadersCheck(HeadersSettings settings) : m_settings(std::move(settings)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        std::vector<HttpRequest> requests{asked_by("")};
        if (!m_settings.cors_origin.empty()) {
            requests.push_back(asked_by(m_settings.cors_origin));
        }
        std::vector<HttpRequest> asked = requests;
        std::vector<HttpAnswer> answers = co_await fetch_all(context.world.http, std::move(asked));
        for (std::size_t i = 0; i < answers.size(); ++i) {
            if (std::optional<CheckResult> failure = http_failure(answers[i], requests[i])) {
                co_return *std::move(failure);
            }
        }
        HeadersSample sample{std::move(answers.front()), std::nullopt};
        if (answers.size() > 1) {
            sample.foreign = std::move(answers.back());
        }
        co_return evaluate_headers(sample, m_settings);
    }

  private:
    [[nodiscard]] HttpRequest asked_by(const std::string& origin) const {
        HttpRequest request;
        request.url = m_settings.url;
        if (!origin.empty()) {
            request.headers.emplace_back("Origin", origin);
        }
        return request;
    }

    HeadersSettings m_settings;
};

} // namespace

SecurityHeader security_header(Header header) {
    switch (header) {
    case Header::hsts:
        return {"Strict-Transport-Security", "max-age=31536000", k_why_hsts};
    case Header::csp:
        return {"Content-Security-Policy", "default-src 'self'", k_why_csp};
    case Header::nosniff:
        return {"X-Content-Type-Options", "nosniff", k_why_nosniff};
    case Header::frame:
        return {"X-Frame-Options", "DENY", k_why_frame};
    case Header::referrer:
        return {"Referrer-Policy", "strict-origin-when-cross-origin", k_why_referrer};
    case Header::permissions:
        break;
    }
    return {"Permissions-Policy", "camera=(), microphone=(), geolocation=()", k_why_permissions};
}

CheckResult evaluate_headers(const HeadersSample& sample, const HeadersSettings& settings) {
    // The page of an error has the headers of whoever made it.
    if (Wrong wrong = wrong_status(sample.page, StatusSet({{200, 399}}))) {
        return *std::move(wrong);
    }
    Findings findings;
    find_missing(sample.page, settings, findings);
    if (sample.foreign) {
        find_cors(*sample.foreign, settings, findings);
    }
    if (settings.cookies) {
        find_bare_cookies(sample.page, settings, findings);
    }
    if (settings.hide_version) {
        find_versions(sample.page, findings);
    }
    return result_of(std::move(findings), say(k_all_good));
}

CheckType headers_check_type() {
    return make_check_type<headers_schema, HeadersCheck>("headers", Layer::web, Recheck::no,
                                                         "a page has its security headers and safe cookies");
}

} // namespace lectio

#include "smoke/judge_login.h"

#include "checks/http_expect.h"
#include "checks/http_words.h"
#include "smoke/token.h"
#include "smoke/whose_page.h"
#include "util/text.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A token that lives shorter is of no use to anybody.
constexpr Duration k_shortest_life = 30s;
// Between two clocks: beyond it tokens are refused on one side (the leeway of common libraries is less).
constexpr Duration k_most_skew = 60s;

constexpr Phrase k_refused{"the test account, not the site: {} is refused at the login (HTTP {})",
                           "дело в тестовой учётной записи, а не в сайте: {} не пускают (HTTP {})"};
constexpr Phrase k_no_account{
    "it is missing, switched off or has another password; this mends it: sudo lectio-smoke setup-users",
    "её нет, она выключена или у неё другой пароль; исправит: sudo lectio-smoke setup-users"};
constexpr Phrase k_forbidden{"it may not log in, or this address is blocked (fail2ban, axes, a firewall)",
                             "ей запрещено входить, или заблокирован этот адрес (fail2ban, axes, файрвол)"};
constexpr Phrase k_limited{
    "too many logins from here: except this address from the limit, or let lectio-smoke run less often",
    "слишком много входов с этого адреса: исключите его из лимита или запускайте lectio-smoke реже"};
constexpr Phrase k_page_again{
    "the test account, not the site: the login page came again for {}",
    "дело в тестовой учётной записи, а не в сайте: {} снова показали страницу входа"};
constexpr Phrase k_no_session{"the login set no cookie: there is no session",
                              "вход не выдал cookie: сессии нет"};
constexpr Phrase k_no_token{"no token in the answer: {} is missing or empty",
                            "в ответе нет токена: {} отсутствует или пуст"};
constexpr Phrase k_odd_token{"the token at {} holds characters that no token may have",
                             "в токене по адресу {} есть символы, которых в токене быть не может"};
constexpr Phrase k_in{"logged in, HTTP {} in {}", "вход выполнен, HTTP {} за {}"};
constexpr Phrase k_expires_at_once{"the token expires at once: it lives {}",
                                   "токен истекает сразу: он живёт {}"};
constexpr Phrase k_expires_hint{
    "everybody is logged out as soon as they log in: look at the token's lifetime",
    "всех выбрасывает сразу после входа: проверьте срок жизни токена"};
constexpr Phrase k_ahead{"the clock of the site is {} ahead of this host's, as its token says",
                         "часы сайта спешат относительно этого сервера на {}, судя по токену"};
constexpr Phrase k_behind{"the clock of the site is {} behind this host's, as its token says",
                          "часы сайта отстают от этого сервера на {}, судя по токену"};
constexpr Phrase k_clock_hint{"one of the two is wrong, and tokens are refused over it: timedatectl on both",
                              "одни из них врут, и токены из-за этого не принимают: timedatectl на обоих"};
constexpr Phrase k_no_csrf{"the page {} sets no cookie {}", "страница {} не выдаёт cookie {}"};
constexpr Phrase k_no_csrf_hint{
    "without it nobody can log in: look at the CSRF settings and at [smoke.login] csrf",
    "без неё никто не войдёт: проверьте настройки CSRF и csrf в [smoke.login]"};
constexpr Phrase k_somebody{"the account", "учётную запись"};

std::string short_time(std::chrono::microseconds time) {
    return format_duration(std::chrono::duration_cast<Duration>(time));
}

// 400 is also what an API says of a request that is wrong; of a wrong password it speaks of credentials.
bool refuses_account(const HttpAnswer& answer) {
    if (answer.status == 400) {
        return contains_ignoring_case(answer.body, "credential") ||
               contains_ignoring_case(answer.body, "password");
    }
    return answer.status == 401 || answer.status == 403 || answer.status == 429;
}

CheckResult refusal(Text message, Text hint) {
    CheckResult result;
    result.status = Status::warning;
    result.message = std::move(message);
    result.hint = std::move(hint);
    result.remedy = Remedy::cannot_help;
    return result;
}

Text account_words(const LoginSettings& login) {
    const std::string account = account_of(login);
    return account.empty() ? say(k_somebody) : verbatim(account);
}

Wrong refused(const HttpAnswer& answer, const LoginSettings& login) {
    if (!refuses_account(answer)) {
        return std::nullopt;
    }
    const Phrase& hint = answer.status == 429 ? k_limited : answer.status == 403 ? k_forbidden : k_no_account;
    CheckResult result = refusal(say(k_refused, account_words(login), answer.status), say(hint));
    result.evidence = excerpt(answer.body);
    return result;
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

StatusSet wanted_status(const LoginSettings& login) {
    if (login.status) {
        return *login.status;
    }
    return login.token.empty() ? StatusSet({{200, 299}, {302, 303}}) : StatusSet();
}

// <input type="password">, in the ways HTML lets that be written: any quotes or none, blanks around the sign.
bool asks_password(std::string_view body) {
    const std::string lower = to_lower_ascii(body);
    const auto skip = [&](std::size_t at, std::string_view what) {
        return std::min(lower.find_first_not_of(what, at), lower.size());
    };
    for (std::size_t at = lower.find("type"); at != std::string::npos; at = lower.find("type", at + 1)) {
        const std::size_t sign = skip(at + 4, " \t\r\n");
        if (sign == lower.size() || lower[sign] != '=') {
            continue;
        }
        const std::string_view value = std::string_view(lower).substr(skip(skip(sign + 1, " \t\r\n"), "\"'"));
        constexpr std::string_view k_password = "password";
        const bool ends = value.size() == k_password.size() ||
                          (value.size() > k_password.size() &&
                           std::string_view(" \t\r\n\"'/>").find(value[k_password.size()]) != value.npos);
        if (value.starts_with(k_password) && ends) {
            return true;
        }
    }
    return false;
}

// A form that is shown again, with HTTP 200, is how a site says "wrong password".
Wrong form_again(const HttpAnswer& answer, const LoginSettings& login) {
    const bool again =
        login.token.empty() && answer.status == 200 && is_html(answer) && asks_password(answer.body);
    return again ? Wrong(refusal(say(k_page_again, account_words(login)), say(k_no_account))) : std::nullopt;
}

Wrong wrong_lifetime(const TokenTimes& times, WallTime now) {
    const WallTime issued = times.issued.value_or(now);
    if (times.expires && *times.expires - issued < k_shortest_life) {
        const auto life = std::max(*times.expires - issued, Duration{0});
        CheckResult result;
        result.status = Status::critical;
        result.message = say(k_expires_at_once, format_duration(life));
        result.hint = say(k_expires_hint);
        result.remedy = Remedy::cannot_help;
        return result;
    }
    const WallTime said = times.not_before ? std::max(issued, *times.not_before) : issued;
    const Duration ahead = std::chrono::duration_cast<Duration>(said - now);
    if (std::chrono::abs(ahead) <= k_most_skew) {
        return std::nullopt;
    }
    const Text off = span_of(std::chrono::abs(ahead) / 1s);
    return refusal(say(ahead > 0ms ? k_ahead : k_behind, off), say(k_clock_hint));
}

} // namespace

LoginVerdict evaluate_login(const HttpAnswer& answer, const LoginSettings& login, const HttpRequest& request,
                            bool got_cookie, WallTime now) {
    const auto bad = [&](CheckResult result) {
        const Text whose = whose_page(answer, Wanted::data);
        result.hint = whose.empty() ? result.hint : whose;
        return LoginVerdict{std::move(result), false, {}};
    };
    if (Wrong wrong = http_failure(answer, request)) {
        return bad(*std::move(wrong));
    }
    if (Wrong wrong = form_again(answer, login)) {
        return bad(*std::move(wrong));
    }
    if (!wanted_status(login).contains(answer.status)) {
        Wrong wrong = refused(answer, login);
        return bad(wrong ? *std::move(wrong) : *wrong_status(answer, wanted_status(login)));
    }
    LoginVerdict verdict;
    verdict.in = true;
    verdict.result.status = Status::ok;
    verdict.result.message = say(k_in, answer.status, short_time(answer.total));
    if (login.token.empty()) {
        return got_cookie ? verdict : bad(*critical(say(k_no_session), answer));
    }
    Json json;
    if (Wrong wrong = parse_body(answer, json)) {
        return bad(*std::move(wrong));
    }
    const Json* token = value_at(json, login.token);
    if (token == nullptr || !token->is_string() || token->get_ref<const std::string&>().empty()) {
        return bad(*critical(say(k_no_token, login.token), {})); // what stands elsewhere may be a token, too
    }
    if (!is_visible(token->get_ref<const std::string&>())) { // it would end the header that carries it
        return bad(*critical(say(k_odd_token, login.token), {}));
    }
    verdict.token = Secret(token->get<std::string>());
    const std::optional<TokenTimes> times = times_of_token(verdict.token.reveal());
    if (Wrong wrong = times ? wrong_lifetime(*times, now) : std::nullopt) {
        verdict.result = *std::move(wrong); // the steps show whether it is of use all the same
    }
    return verdict;
}

std::optional<CheckResult> wrong_csrf_page(const HttpAnswer& answer, const CsrfSettings& csrf,
                                           const HttpRequest& request, bool has_cookie) {
    Wrong failed = http_failure(answer, request);
    if (failed || has_cookie) {
        return failed;
    }
    if (Wrong wrong = wrong_status(answer, StatusSet())) {
        return wrong;
    }
    CheckResult result = *critical(say(k_no_csrf, csrf.get, csrf.cookie), answer);
    result.hint = say(k_no_csrf_hint);
    return result;
}

std::string account_of(const LoginSettings& login) {
    constexpr std::array<const char*, 5> k_keys{"email", "username", "login", "user", "phone"};
    const Json json = Json::parse(login.json.text, nullptr, false);
    for (const char* key : k_keys) {
        if (const auto field = login.form.find(key); field != login.form.end()) {
            return field->second;
        }
        if (json.is_object() && json.contains(key) && json[key].is_string()) {
            return json[key].get<std::string>();
        }
    }
    return "";
}

} // namespace lectio

#include "smoke/judge_login.h"
#include "support/fake_clock.h"
#include "support/fake_http.h"
#include "util/base64.h"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

LoginSettings by_token() {
    LoginSettings login;
    login.name = "teacher";
    login.post = "/api/jwt/token/";
    login.json = {R"({"email":"smoke_teacher@test.local","password":"made-up-1"})"};
    login.token = "/access";
    return login;
}

LoginSettings by_session() {
    LoginSettings login;
    login.name = "session";
    login.post = "/login/";
    login.form = {{"username", "walker"}, {"password", "made-up-2"}};
    return login;
}

HttpRequest request() {
    HttpRequest asked;
    asked.url = "https://site.example/api/jwt/token/";
    return asked;
}

WallTime now() {
    FakeClock clock;
    return clock.now().wall;
}

std::string jwt(Duration issued, std::optional<Duration> lives) { // from now
    const auto epoch = [](WallTime time) { return std::to_string(time.time_since_epoch() / 1s); };
    std::string claims = "{\"iat\":" + epoch(now() + issued);
    claims += lives ? ",\"exp\":" + epoch(now() + issued + *lives) + "}" : "}";
    std::string body = base64(claims);
    std::replace(body.begin(), body.end(), '+', '-');
    std::replace(body.begin(), body.end(), '/', '_');
    std::erase(body, '=');
    return "eyJhbGciOiJIUzI1NiJ9." + body + ".c2lnbmF0dXJl";
}

LoginVerdict judge(const HttpAnswer& answer, const LoginSettings& login = by_token(), bool cookie = false) {
    return evaluate_login(answer, login, request(), cookie, now());
}

HttpAnswer with_token(const std::string& token) {
    return page(200, R"({"access":")" + token + R"(","refresh":"r"})");
}

} // namespace

TEST_CASE("login: a token is in", "[judge-login]") {
    const LoginVerdict verdict = judge(with_token(jwt(0s, 300s)));
    CHECK(verdict.in);
    CHECK(verdict.result.status == Status::ok);
    CHECK(verdict.token.reveal() == jwt(0s, 300s));
    CHECK(judge(with_token("an-opaque-token")).in);
}

TEST_CASE("login: a refused account is the account's fault, not the site's", "[judge-login]") {
    for (const int status : {401, 403, 429}) {
        const LoginVerdict verdict = judge(page(status, R"({"detail":"No active account found"})"));
        CHECK_FALSE(verdict.in);
        CHECK(verdict.result.status == Status::warning);
        CHECK(verdict.result.message.en ==
              "the test account, not the site: smoke_teacher@test.local is refused at "
              "the login (HTTP " +
                  std::to_string(status) + ")");
        CHECK_THAT(verdict.result.message.ru, Catch::Contains("дело в тестовой учётной записи"));
        CHECK_FALSE(verdict.result.hint.empty());
        CHECK(verdict.result.remedy == Remedy::cannot_help);
    }
    CHECK_THAT(judge(page(429)).result.hint.en, Catch::Contains("limit"));
    CHECK_THAT(judge(page(401)).result.hint.en, Catch::Contains("another password"));
}

TEST_CASE("login: 400 is the account's only where it speaks of credentials", "[judge-login]") {
    CHECK(judge(page(400, R"({"non_field_errors":["Unable to log in with provided credentials."]})"))
              .result.status == Status::warning);
    CHECK(judge(page(400, R"({"email":["This field is required."]})")).result.status == Status::critical);
}

TEST_CASE("login: everything else is the site's", "[judge-login]") {
    for (const int status : {301, 404, 405, 500, 502}) {
        const LoginVerdict verdict = judge(page(status));
        CHECK_FALSE(verdict.in);
        CHECK(verdict.result.status == Status::critical);
    }
    CHECK(judge(failed(HttpAnswer::Failure::refused)).result.status == Status::critical);
}

TEST_CASE("login: an answer without a token", "[judge-login]") {
    for (const char* body : {"{}", R"({"access":null})", R"({"access":""})", R"({"access":5})", "[]"}) {
        INFO(body);
        const LoginVerdict verdict = judge(page(200, body));
        CHECK_FALSE(verdict.in);
        CHECK(verdict.result.status == Status::critical);
        CHECK(verdict.result.message.en == "no token in the answer: /access is missing or empty");
    }
    CHECK(judge(page(200, "<!doctype html><title>Lectio</title>")).result.message.en ==
          "an HTML page came, no JSON: “Lectio”");
    CHECK(judge(page(200, "")).result.message.en == "the answer is empty, no JSON");
}

TEST_CASE("login: a token that expires at once", "[judge-login]") {
    for (const Duration lives : {-10s, 0s, 29s}) {
        const LoginVerdict verdict = judge(with_token(jwt(0s, lives)));
        CHECK(verdict.result.status == Status::critical);
        CHECK_THAT(verdict.result.message.en, Catch::Contains("expires at once"));
        CHECK(verdict.in); // the steps show what comes of it
    }
    CHECK(judge(with_token(jwt(0s, 30s))).result.status == Status::ok);
    CHECK(judge(with_token(jwt(0s, std::nullopt))).result.status == Status::ok); // for ever
}

TEST_CASE("login: clocks that differ are seen in the token", "[judge-login]") {
    CHECK(judge(with_token(jwt(60s, 300s))).result.status == Status::ok);
    const CheckResult ahead = judge(with_token(jwt(5min, 300s))).result;
    CHECK(ahead.status == Status::warning);
    CHECK(ahead.message.en == "the clock of the site is 5 minutes ahead of this host's, as its token says");
    const CheckResult behind = judge(with_token(jwt(-2h, 300s))).result;
    CHECK(behind.status == Status::warning);
    CHECK(behind.message.en == "the clock of the site is 2 hours behind this host's, as its token says");
    CHECK_FALSE(behind.hint.empty());
}

TEST_CASE("login: a session is the cookie", "[judge-login]") {
    for (const int status : {200, 204, 302, 303}) {
        CHECK(judge(page(status), by_session(), true).in);
    }
    const LoginVerdict none = judge(page(302), by_session(), false);
    CHECK_FALSE(none.in);
    CHECK(none.result.status == Status::critical);
    CHECK(judge(page(301), by_session(), true).result.status == Status::critical);
}

TEST_CASE("login: the login page that comes again says that the password is wrong", "[judge-login]") {
    LoginSettings login = by_session();
    const HttpAnswer again =
        page(200, "<!DOCTYPE html><form><input type=\"password\" name=\"password\"></form>");
    CHECK(judge(again, login, true).result.status == Status::warning);
    login.status = StatusSet({{302, 302}});
    const LoginVerdict verdict = judge(again, login, true);
    CHECK_FALSE(verdict.in);
    CHECK(verdict.result.message.en ==
          "the test account, not the site: the login page came again for walker");
}

TEST_CASE("login: a field for a password is one, however it is written", "[judge-login]") {
    for (const char* field :
         {"type='password'", "type=password>", "TYPE = \"Password\"", "type=password/>"}) {
        INFO(field);
        const HttpAnswer again =
            page(200, "<!DOCTYPE html><form><input " + std::string(field) + " name=p></form>");
        CHECK_FALSE(judge(again, by_session(), true).in);
    }
    for (const char* other : {"type=\"text\" class=\"password\"", "type=password-meter", "type password"}) {
        INFO(other);
        const HttpAnswer page_of_account = page(200, "<!DOCTYPE html><p " + std::string(other) + ">");
        CHECK(judge(page_of_account, by_session(), true).in);
    }
}

TEST_CASE("login: the account is named, the password never", "[judge-login]") {
    CHECK(account_of(by_token()) == "smoke_teacher@test.local");
    CHECK(account_of(by_session()) == "walker");
    LoginSettings odd = by_token();
    odd.json = {R"(["x"])"};
    CHECK(account_of(odd).empty());
    CHECK_THAT(judge(page(401), odd).result.message.en, Catch::Contains("the account is refused"));
}

TEST_CASE("login: a token that would end its header is none", "[judge-login]") {
    const LoginVerdict verdict = judge(with_token(R"(abc\r\nX-Evil: 1)"));
    CHECK_FALSE(verdict.in);
    CHECK(verdict.result.status == Status::critical);
    CHECK(verdict.result.message.en == "the token at /access holds characters that no token may have");
}

TEST_CASE("login: a page for the token against forgery", "[judge-login]") {
    const CsrfSettings csrf{"/login/", "csrftoken", "X-CSRFToken"};
    const auto words = [&](const HttpAnswer& answer) {
        const auto wrong = wrong_csrf_page(answer, csrf, request(), false);
        return wrong ? wrong->message.en : "";
    };
    CHECK(words(page(200)) == "the page /login/ sets no cookie csrftoken");
    CHECK(words(page(502)) == "HTTP 502, expected 2xx"); // not its cookie is what is missing
    CHECK_FALSE(wrong_csrf_page(page(200), csrf, request(), true));
}

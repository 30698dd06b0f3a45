#include "alerts/alertmanager.h"
#include "alerts/command.h"
#include "alerts/email.h"
#include "alerts/remarks.h"
#include "alerts/webhook.h"
#include "platform/hmac.h"
#include "support/bare_world.h"
#include "util/base64.h"
#include "util/text.h"

#include <chrono>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using Json = nlohmann::json;
using Kind = Outcome::Kind;
using namespace std::chrono_literals;

namespace {

const Voice k_voice{Lang::ru, "UTC"};
constexpr const char* k_rest = "/var/log/lectio-monitor/alerts.log";
const WallTime k_time{std::chrono::sys_days(std::chrono::year(2026) / 1 / 22) + 10h};

Subject subject(Event event, Level level) {
    Subject subject;
    subject.id = "ABCDEF";
    subject.check = "health/site";
    subject.event = event;
    subject.level = level;
    subject.summary = "site: HTTP 403";
    subject.hint = "почините права";
    subject.since = k_time - 5min;
    return subject;
}

Draft draft(Event event = Event::opened, Level level = Level::critical) {
    Draft draft;
    draft.message.level = level;
    draft.message.title = "🚨 сайт: HTTP 403 вместо 200 · lectio-1";
    draft.message.lines = {{Line::Form::text, {{Piece::Kind::plain, "Страница <b> & \"кавычки\""}}},
                           {Line::Form::block, {{Piece::Kind::code, ".\n..\nтретья строка"}}}};
    draft.message.subjects = {subject(event, level)};
    draft.message.host = "lectio-1";
    draft.message.time = k_time;
    draft.message.run = {"epoch", 7};
    return draft;
}

EmailChannel mail_settings() {
    EmailChannel settings;
    settings.url = "smtps://mail.example.org:465";
    settings.user = "m";
    settings.password = Secret("planted-mail-password");
    settings.from = "Монитор <m@example.org>";
    settings.to = {"op@example.org", "Second Operator <op2@example.org>"};
    return settings;
}

std::string header(const std::string& mail, const std::string& name) {
    const std::size_t at = mail.find("\r\n" + name + ": ");
    const std::size_t begin = at + name.size() + 4;
    std::size_t end = begin;
    do {
        end = mail.find("\r\n", end + 1);
    } while (mail[end + 2] == ' ');
    return at == std::string::npos ? "" : mail.substr(begin, end - begin);
}

std::string decoded_words(const std::string& header) {
    std::string text;
    for (const std::string_view word : split(header, ' ')) {
        const std::string_view trimmed = trim(word);
        REQUIRE(trimmed.starts_with("=?UTF-8?B?"));
        REQUIRE(trimmed.ends_with("?="));
        CHECK(trimmed.size() <= 75);
        const auto piece = from_base64(trimmed.substr(10, trimmed.size() - 12));
        REQUIRE(piece);
        CHECK(is_utf8(*piece)); // no character is cut
        text += *piece;
    }
    return text;
}

std::string part(const std::string& mail, const std::string& type) {
    const std::size_t at = mail.find("Content-Type: " + type);
    const std::size_t begin = mail.find("\r\n\r\n", at) + 4;
    std::string encoded = mail.substr(begin, mail.find("\r\n--", begin) - begin);
    std::erase(encoded, '\r');
    std::erase(encoded, '\n');
    return from_base64(encoded).value_or("not base64");
}

HttpAnswer lost(HttpAnswer::Phase phase) {
    return failed(HttpAnswer::Failure::closed, phase, "cut");
}

} // namespace

// ── email ────────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a mail says its subject in any language, as text and as HTML") {
    const std::string mail = email::compose(draft(), mail_settings(), k_voice, k_rest);
    CHECK(decoded_words(header(mail, "Subject")) == draft().message.title);
    CHECK(mail.starts_with("From: =?UTF-8?B?0JzQvtC90LjRgtC+0YA=?= <m@example.org>\r\n"));
    CHECK(header(mail, "To") == "op@example.org,\r\n Second Operator <op2@example.org>");
    CHECK(header(mail, "Date") == "Thu, 22 Jan 2026 10:00:00 +0000");
    CHECK(header(mail, "Auto-Submitted") == "auto-generated");
    CHECK(part(mail, "text/plain").find("Страница <b> & \"кавычки\"\n.\n..\nтретья") != std::string::npos);
    CHECK(part(mail, "text/html").find("Страница &lt;b&gt; &amp; ") != std::string::npos);
    CHECK(part(mail, "text/html").find("<pre>.\n..\nтретья строка</pre>") != std::string::npos);
    for (const std::string_view line : split(mail, '\n')) {
        CHECK((line.empty() || line.ends_with('\r')));
        CHECK(line.size() <= 79);
        CHECK(std::all_of(line.begin(), line.end(),
                          [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    }
    CHECK(mail.find("planted") == std::string::npos);
}

TEST_CASE("a mail keeps its id when it comes again, and the end answers the opening") {
    const std::string first = email::compose(draft(), mail_settings(), k_voice, k_rest);
    Draft again = draft();
    again.maybe_again = true;
    CHECK(header(email::compose(again, mail_settings(), k_voice, k_rest), "Message-ID") ==
          header(first, "Message-ID"));
    Draft end = draft(Event::resolved, Level::resolved);
    end.answers = number_of(draft().message);
    const std::string resolved = email::compose(end, mail_settings(), k_voice, k_rest);
    CHECK(header(resolved, "In-Reply-To") == header(first, "Message-ID"));
    CHECK(header(resolved, "References") == header(first, "Message-ID"));
    CHECK(header(resolved, "Message-ID") != header(first, "Message-ID"));
}

TEST_CASE("nothing of a message becomes a header") {
    Draft evil = draft();
    evil.message.title = "x\r\nBcc: other@example.org";
    const std::string mail = email::compose(evil, mail_settings(), k_voice, k_rest);
    CHECK(mail.find("\r\nBcc:") == std::string::npos);
}

TEST_CASE("a mail that is too long has its beginning, its end, and where the rest lies") {
    Draft longer = draft();
    for (int i = 0; i < 20000; ++i) {
        longer.message.lines.push_back(
            {Line::Form::text, {{Piece::Kind::plain, "строка " + std::to_string(i)}}});
    }
    const std::string text = part(email::compose(longer, mail_settings(), k_voice, k_rest), "text/plain");
    CHECK(text.size() < 120'000);
    CHECK(is_utf8(text));
    CHECK(text.find("строка 7\n") != std::string::npos);
    CHECK(text.find("строка 19999\n") != std::string::npos);
    CHECK(text.find(k_rest) != std::string::npos);
}

TEST_CASE("what a mail server's answer means") {
    using Failure = MailAnswer::Failure;
    const auto judge = [](Failure failure, int code, bool handed_over = false) {
        MailAnswer answer;
        answer.failure = failure;
        answer.code = code;
        answer.said = "5.7.8 its words";
        answer.handed_over = handed_over;
        return email::judge(answer, mail_settings());
    };
    CHECK(judge(Failure::none, 250).kind == Kind::accepted);
    CHECK(judge(Failure::login, 535).kind == Kind::channel_refused);
    CHECK(judge(Failure::login, 454).kind == Kind::later);
    CHECK(judge(Failure::login, 250).kind == Kind::channel_refused); // no way to log in that both know
    CHECK(judge(Failure::sender, 550).kind == Kind::channel_refused);
    CHECK(judge(Failure::receiver, 450).kind == Kind::later);
    CHECK(judge(Failure::receiver, 550).kind == Kind::channel_refused);
    CHECK(judge(Failure::content, 552).kind == Kind::refused);
    CHECK(judge(Failure::content, 452, true).kind == Kind::later);
    CHECK(judge(Failure::no_starttls, 250).kind == Kind::channel_refused);
    CHECK(judge(Failure::no_starttls, 454).kind == Kind::later);
    CHECK(judge(Failure::greeting, 421).kind == Kind::later);
    CHECK(judge(Failure::greeting, 554).kind == Kind::channel_refused);
    CHECK(judge(Failure::closed, 354).kind == Kind::later);
    CHECK(judge(Failure::closed, 354, true).kind == Kind::unknown);
    CHECK(judge(Failure::timeout, 354, true).kind == Kind::unknown);
    CHECK(judge(Failure::tls, 220).kind == Kind::later);
    CHECK(judge(Failure::dns, 0).resolver_failed);
    CHECK(judge(Failure::login, 535).problem.ru.find("535 5.7.8 its words") != std::string::npos);
    for (const Failure failure : {Failure::dns, Failure::refused, Failure::timeout, Failure::tls,
                                  Failure::no_starttls, Failure::login, Failure::sender, Failure::receiver}) {
        CHECK_FALSE(judge(failure, 535).problem.empty());
        CHECK_FALSE(judge(failure, 535).hint.empty());
        CHECK(judge(failure, 535).problem.en.find("planted") == std::string::npos);
    }
}

// ── webhook ──────────────────────────────────────────────────────────────────────────────────────────────

namespace {

struct Sent {
    Outcome outcome;
    std::vector<HttpRequest> requests;
};

Sent send(const Channel& channel, const Draft& draft, FakeHttp::Handler handler) {
    BareWorld bare;
    bare.http.on_any(std::move(handler));
    bool done = false;
    Task<Outcome> task = channel.send(bare.world, draft, 9s);
    task.start([&] { done = true; });
    while (!done) {
        bare.http.poll(1s);
    }
    return {task.value(), bare.http.requests()};
}

std::string header(const HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

Webhook hook() {
    WebhookChannel settings;
    settings.url = Secret("https://hooks.example.org/T0/planted-hook");
    settings.secret = Secret("planted-hook-secret");
    settings.headers = {{"X-Site", "lectio"}};
    return {"hook", settings, k_voice, k_rest};
}

} // namespace

TEST_CASE("HMAC: RFC 4231, test case 2") {
    CHECK(hmac_sha256(Secret("Jefe"), "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("a webhook gets a signed JSON object, the same id each time") {
    const Sent sent = send(hook(), draft(), [](const HttpRequest&) { return page(204); });
    CHECK(sent.outcome.kind == Kind::accepted);
    REQUIRE(sent.requests.size() == 1);
    const HttpRequest& request = sent.requests.front();
    CHECK(request.method == "POST");
    CHECK_FALSE(request.follow);
    CHECK(header(request, "X-Site") == "lectio");
    CHECK(header(request, "X-Lectio-Signature") ==
          "sha256=" + hmac_sha256(Secret("planted-hook-secret"), request.body));
    const Json body = Json::parse(request.body, nullptr, false);
    REQUIRE(body.is_object());
    CHECK(body["version"] == 1);
    CHECK(body["id"] == header(request, "X-Lectio-Id"));
    CHECK(body["level"] == "critical");
    CHECK(body["time"] == "2026-01-22T10:00:00Z");
    CHECK(body["maybe_again"] == false);
    CHECK(body["incidents"][0]["check"] == "health/site");
    CHECK(body["incidents"][0]["since"] == "2026-01-22T09:55:00Z");
    Draft again = draft();
    again.maybe_again = true;
    const Sent copy = send(hook(), again, [](const HttpRequest&) { return page(200); });
    CHECK(header(copy.requests.front(), "X-Lectio-Id") == header(request, "X-Lectio-Id"));
    CHECK(Json::parse(copy.requests.front().body)["maybe_again"] == true);
}

TEST_CASE("what a webhook's answer means") {
    const auto kind = [](int status) { return webhook::judge(page(status, "why"), "h:443").kind; };
    for (const int status : {200, 201, 202, 204}) {
        CHECK(kind(status) == Kind::accepted);
    }
    for (const int status : {301, 401, 403, 404, 410}) {
        CHECK(kind(status) == Kind::channel_refused);
    }
    for (const int status : {400, 413, 422}) {
        CHECK(kind(status) == Kind::refused);
    }
    for (const int status : {408, 429, 500, 503}) {
        CHECK(kind(status) == Kind::later);
    }
    CHECK(kind(502) == Kind::unknown);
    CHECK(webhook::judge(page(429, "", {{"retry-after", "7"}}), "h").wait == 7s);
    CHECK(webhook::judge(lost(HttpAnswer::Phase::connect), "h").kind == Kind::later);
    CHECK(webhook::judge(lost(HttpAnswer::Phase::first_byte), "h").kind == Kind::unknown);
    // What the server has said before its answer was cut is said.
    HttpAnswer torn = lost(HttpAnswer::Phase::body);
    for (const auto& [status, meaning] : {std::pair(200, Kind::accepted),
                                          {204, Kind::accepted},
                                          {401, Kind::channel_refused},
                                          {503, Kind::later}}) {
        torn.status = status;
        CHECK(webhook::judge(torn, "h").kind == meaning);
        CHECK(alertmanager::judge(torn, "h").kind == meaning);
    }
    const Sent refused = send(
        hook(), draft(), [](const HttpRequest& request) { return page(403, "no access to " + request.url); });
    CHECK(refused.outcome.problem.en.find("planted") == std::string::npos);
    CHECK(refused.outcome.problem.en.starts_with("hooks.example.org:443: "));
}

// ── Alertmanager ─────────────────────────────────────────────────────────────────────────────────────────

namespace {

Json alerts(const Draft& draft) {
    AlertmanagerChannel settings;
    settings.labels = {{"site", "lectio"}};
    return Json::parse(alertmanager::body(draft, k_time + 1min, settings, k_voice, "lectio-1", k_rest));
}

} // namespace

TEST_CASE("an incident is an alert with an end far ahead, and its end is now") {
    const Json opened = alerts(draft());
    REQUIRE(opened.size() == 1);
    CHECK(opened[0]["labels"] == Json{{"alertname", "health/site"},
                                      {"severity", "critical"},
                                      {"tool", "health"},
                                      {"check", "site"},
                                      {"host", "lectio-1"},
                                      {"instance", "lectio-1"},
                                      {"site", "lectio"}});
    CHECK(opened[0]["startsAt"] == "2026-01-22T09:55:00Z");
    CHECK(opened[0]["endsAt"] == "2026-01-22T22:01:00Z");
    CHECK(opened[0]["annotations"]["summary"] == "site: HTTP 403");
    Draft end = draft(Event::resolved, Level::resolved);
    end.told_before = {{"ABCDEF", Level::critical}};
    const Json resolved = alerts(end);
    REQUIRE(resolved.size() == 1);
    CHECK(resolved[0]["labels"] == opened[0]["labels"]); // or it would be the end of another alert
    CHECK(resolved[0]["endsAt"] == "2026-01-22T10:01:00Z");
}

TEST_CASE("a rise ends the alert of the lower severity") {
    Draft risen = draft(Event::risen, Level::critical);
    risen.told_before = {{"ABCDEF", Level::warning}};
    const Json both = alerts(risen);
    REQUIRE(both.size() == 2);
    CHECK(both[0]["labels"]["severity"] == "warning");
    CHECK(both[0]["endsAt"] == "2026-01-22T10:01:00Z");
    CHECK(both[1]["labels"]["severity"] == "critical");
    CHECK(both[1]["endsAt"] == "2026-01-22T22:01:00Z");
}

TEST_CASE("a text ends by itself, late enough to be told") {
    Draft text = draft();
    text.message.subjects.clear();
    text.message.key = "backup";
    const Json one = alerts(text);
    REQUIRE(one.size() == 1);
    CHECK(one[0]["labels"]["alertname"] == "notify/backup");
    CHECK(one[0]["endsAt"] == "2026-01-22T11:01:00Z");
    CHECK(one[0]["annotations"]["description"].get<std::string>().find("третья строка") != std::string::npos);
}

TEST_CASE("what is still open is told anew without being news") {
    Draft anew;
    anew.still_open = {subject(Event::opened, Level::warning)};
    const Json one = alerts(anew);
    REQUIRE(one.size() == 1);
    CHECK(one[0]["labels"]["severity"] == "warning");
    CHECK(one[0]["endsAt"] == "2026-01-22T22:01:00Z");
}

TEST_CASE("Alertmanager's answers: trying again doubles nothing") {
    const auto kind = [](const HttpAnswer& answer) { return alertmanager::judge(answer, "h:9093").kind; };
    CHECK(kind(page(200)) == Kind::accepted);
    CHECK(kind(page(400, "\"bad\"")) == Kind::refused);
    CHECK(kind(page(404)) == Kind::channel_refused);
    CHECK(kind(page(503)) == Kind::later);
    CHECK(kind(lost(HttpAnswer::Phase::first_byte)) == Kind::later);
}

// ── command ──────────────────────────────────────────────────────────────────────────────────────────────

TEST_CASE("a program gets the message on standard input and what it is about in its environment") {
    CommandChannel settings;
    settings.command = {"/usr/local/bin/page", "--now"};
    const ProcessRequest request = command::request(draft(), settings, k_voice, k_rest);
    CHECK(request.command == settings.command);
    CHECK(request.input.starts_with("🚨 сайт: HTTP 403 вместо 200 · lectio-1\n"));
    const std::map<std::string, std::string> environment(request.environment.begin(),
                                                         request.environment.end());
    CHECK(environment.at("LECTIO_LEVEL") == "critical");
    CHECK(environment.at("LECTIO_CHECK") == "health/site");
    CHECK(environment.at("LECTIO_ID") == "ABCDEF");
    CHECK(environment.at("LECTIO_HOST") == "lectio-1");
}

TEST_CASE("what a program's end means") {
    CommandChannel settings;
    settings.command = {"/usr/local/bin/page"};
    const auto exit = [&](int status) {
        ProcessAnswer answer;
        answer.exit_status = status;
        answer.err = "first\nno modem\n";
        return command::judge(answer, settings);
    };
    CHECK(exit(0).kind == Kind::accepted);
    CHECK(exit(75).kind == Kind::later);
    CHECK(exit(1).kind == Kind::refused);
    CHECK(exit(1).problem.en == "/usr/local/bin/page refuses the message: exit status 1 no modem");
    ProcessAnswer killed;
    killed.signal = 9;
    CHECK(command::judge(killed, settings).kind == Kind::unknown);
    killed.timed_out = true;
    CHECK(command::judge(killed, settings).kind == Kind::unknown);
    CHECK(command::judge(Error{ErrorKind::not_found, "x: No such file or directory"}, settings).kind ==
          Kind::channel_refused);
    CHECK(command::judge(Error{ErrorKind::io, "fork"}, settings).kind == Kind::later);
}

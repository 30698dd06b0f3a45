#include "checks/beside.h"
#include "checks/http.h"
#include "checks/http_words.h"
#include "config/schema.h"
#include "support/bare_world.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

namespace {

HttpSettings site() {
    HttpSettings settings;
    settings.url = "https://site.example/";
    return settings;
}

HttpSettings expecting_json(const std::string& pointer, const std::string& value) {
    HttpSettings settings = site();
    settings.json[pointer] = JsonText{value};
    return settings;
}

Status json_status(const std::string& body, const std::string& pointer, const std::string& value) {
    return evaluate_http(page(200, body), expecting_json(pointer, value)).status;
}

} // namespace

TEST_CASE("http check: a good page is ok and measured", "[http-check]") {
    const CheckResult result = evaluate_http(page(204), site());
    CHECK(result.status == Status::ok);
    REQUIRE(result.metrics.size() == 1);
    CHECK(result.metrics[0].name == "time");
    CHECK(result.metrics[0].value == Approx(0.003));
    CHECK(result.metrics[0].crit == Approx(10));
}

TEST_CASE("http check: a wrong status says what was seen beside what was expected", "[http-check]") {
    HttpSettings settings = site();
    settings.status = StatusSet({{200, 200}});
    CheckResult result = evaluate_http(page(403, "<h1>Forbidden\x1b[0m</h1>"), settings);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "HTTP 403, expected 200");
    CHECK(result.message.ru == "HTTP 403, ожидался 200");
    CHECK(result.remedy == Remedy::try_it);
    CHECK_FALSE(result.hint.empty());
    CHECK(result.evidence.find('\x1b') == std::string::npos);
    CHECK(evaluate_http(page(401), settings).remedy == Remedy::cannot_help);
    CHECK(evaluate_http(page(429), settings).remedy == Remedy::cannot_help); // limits how often it is asked
    settings.status = StatusSet({{405, 405}});
    CHECK(evaluate_http(page(405), settings).status == Status::ok);
}

TEST_CASE("http check: of a page of HTML its words are shown, of anything else the text", "[http-check]") {
    const auto shown = [](const std::string& body) {
        return evaluate_http(page(500, body), site()).evidence;
    };
    CHECK(shown("<!DOCTYPE html>\n<html><head><title>Server Error</title><style>h1 { color: red }</style>"
                "<script>if (1 < 2) {}</script></head>\n<body><h1>Server&nbsp;Error</h1><p>at "
                "nine</body></html>") == "Server Error Server&nbsp;Error at nine");
    CHECK(shown("{\"error\": \"<html>\"}") == "{\"error\": \"<html>\"}");
    CHECK(shown("<html><div id=root></div><script src=a.js>") ==
          "<html><div id=root></div><script src=a.js>");
}

TEST_CASE("http check: what is said to do fits the phase in which it stopped", "[http-check]") {
    HttpAnswer answer;
    answer.failure = HttpAnswer::Failure::timeout;
    answer.total = 2s;
    const auto seen = [&](HttpAnswer::Phase phase) {
        answer.phase = phase;
        return evaluate_http(answer, site());
    };
    const CheckResult connecting = seen(HttpAnswer::Phase::connect);
    CHECK(connecting.message.en.find("no connection within 2 s") != std::string::npos);
    CHECK(connecting.hint.en.find("accepts connections") == std::string::npos);
    CHECK(seen(HttpAnswer::Phase::first_byte).hint.en.find("accepts connections") != std::string::npos);
    CHECK(seen(HttpAnswer::Phase::dns).hint.en.find("name server") != std::string::npos);
}

TEST_CASE("http check: slow is not down", "[http-check]") {
    HttpSettings settings = site();
    settings.max_time = 1s;
    HttpAnswer answer = page(200);
    answer.total = 1s;
    CHECK(evaluate_http(answer, settings).status == Status::ok);
    answer.total = 1001ms;
    CHECK(evaluate_http(answer, settings).status == Status::warning);
    answer.status = 500;
    CHECK(evaluate_http(answer, settings).status == Status::critical);
}

TEST_CASE("http check: every failure has words, and a reason not to act where acting is vain",
          "[http-check]") {
    const HttpSettings settings = site();
    for (const Failure failure : {Failure::dns, Failure::dns_timeout, Failure::refused, Failure::unreachable,
                                  Failure::timeout, Failure::tls, Failure::closed, Failure::too_large,
                                  Failure::not_http, Failure::redirects, Failure::other}) {
        const CheckResult result = evaluate_http(failed(failure, Phase::connect, "detail"), settings);
        CAPTURE(static_cast<int>(failure));
        CHECK(result.status == Status::critical);
        CHECK_FALSE(result.message.en.empty());
        CHECK_FALSE(result.message.ru.empty());
    }
    CHECK(evaluate_http(failed(Failure::closed, Phase::first_byte), settings)
              .message.en.ends_with("before an answer came"));
    CHECK(evaluate_http(failed(Failure::closed, Phase::body), settings)
              .message.en.ends_with("in the middle of the answer"));
    CHECK(evaluate_http(failed(Failure::bad_url), settings).status == Status::unknown);
    const CheckResult own =
        evaluate_http(failed(Failure::own_fault, Phase::connect, "Too many open files"), settings);
    CHECK(own.status == Status::unknown);
    CHECK(own.message.ru == "не удалось спросить: открыто слишком много файлов");
    CHECK(evaluate_http(failed(Failure::dns), settings).remedy == Remedy::outside_host);
    const CheckResult no_name =
        evaluate_http(failed(Failure::dns, Phase::dns, "Name or service not known"), settings);
    CHECK(no_name.remedy == Remedy::outside_host); // no restart gives it a name
    CHECK_THAT(no_name.hint.en, Catch::Contains("look how the name is written"));
    const CheckResult silent_dns =
        evaluate_http(failed(Failure::dns, Phase::dns, "Temporary failure in name resolution"), settings);
    CHECK_THAT(silent_dns.hint.en, Catch::Contains("outside this server"));
    CHECK(evaluate_http(failed(Failure::unreachable), settings).remedy == Remedy::outside_host);
    CHECK(evaluate_http(failed(Failure::refused), settings).remedy == Remedy::try_it);
    HttpSettings inside = settings;
    inside.resolve = "127.0.0.1";
    CHECK(evaluate_http(failed(Failure::unreachable), inside).remedy == Remedy::try_it);
    const CheckResult hung = evaluate_http(failed(Failure::timeout, Phase::first_byte), settings);
    CHECK_THAT(hung.message.en, Catch::Contains("waiting for the first byte"));
    CHECK_THAT(hung.message.ru, Catch::Contains("ожидание первого байта"));
    CHECK(evaluate_http(failed(Failure::tls, Phase::tls, "certificate has expired"), settings).remedy ==
          Remedy::cannot_help);
}

TEST_CASE("http check: whether this very host is asked", "[http-check]") {
    const auto asks = [](const std::string& url, const std::string& resolve = "") {
        HttpRequest request;
        request.url = url;
        request.resolve = resolve;
        return asks_this_host(request);
    };
    CHECK(asks("http://127.0.0.1:8000/api/"));
    CHECK(asks("http://user:pass@LOCALHOST/"));
    CHECK(asks("http://[::1]:80/"));
    CHECK(asks("unix:/run/gunicorn.sock:/"));
    CHECK(asks("https://site.example/", "127.0.0.1"));
    CHECK_FALSE(asks("https://site.example/"));
    CHECK_FALSE(asks("https://site.example/?next=http://localhost/"));
}

TEST_CASE("http check: text that must be there, and text that must not", "[http-check]") {
    HttpSettings settings = site();
    settings.contains = {"id=\"root\""};
    settings.not_contains = {"Traceback"};
    CHECK(evaluate_http(page(200, "<div id=\"root\">"), settings).status == Status::ok);
    CHECK(evaluate_http(page(200, "<div>"), settings).status == Status::critical);
    CHECK(evaluate_http(page(200, "<div id=\"root\">Traceback"), settings).status == Status::critical);
    settings.matches = {"main\\.[0-9a-f]+\\.js"};
    CHECK(evaluate_http(page(200, "id=\"root\" main.abc123.js"), settings).status == Status::ok);
    CHECK(evaluate_http(page(200, "id=\"root\" main.js"), settings).status == Status::critical);
}

TEST_CASE("http check: what a redirect must not be given is said where it matters", "[http-check]") {
    HttpAnswer refused = page(401);
    refused.withheld = true;
    refused.final_url = "https://login.example/";
    CHECK_THAT(evaluate_http(refused, site()).hint.en,
               Catch::Contains("not sent to") && Catch::Contains("login.example"));
    refused.withheld = false;
    CHECK_THAT(evaluate_http(refused, site()).hint.en, !Catch::Contains("not sent to"));
    HttpAnswer good = page(200);
    good.withheld = true;
    CHECK(evaluate_http(good, site()).hint.empty());
}

TEST_CASE("http check: a client certificate that is refused is not the site's certificate", "[http-check]") {
    HttpAnswer answer;
    answer.failure = Failure::tls;
    answer.detail = GENERATE("tlsv13 alert certificate required", "tlsv1 alert unknown ca");
    const CheckResult result = evaluate_http(answer, site());
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
    CHECK_THAT(result.hint.en, Catch::Contains("client_cert") && !Catch::Contains("renew"));
    CHECK_THAT(result.message.ru, Catch::Contains("сертификат"));
}

TEST_CASE("http check: an answer that has begun is not one that does not come", "[http-check]") {
    HttpAnswer answer;
    answer.failure = HttpAnswer::Failure::timeout;
    const auto hint = [&](HttpAnswer::Phase phase) {
        answer.phase = phase;
        return evaluate_http(answer, HttpSettings{}).hint.en;
    };
    CHECK_THAT(hint(HttpAnswer::Phase::first_byte), Catch::Contains("does not answer"));
    CHECK_THAT(hint(HttpAnswer::Phase::body), Catch::Contains("the answer has begun"));
}

TEST_CASE("http check: how much is too much is said, and where to allow more", "[http-check]") {
    HttpAnswer answer;
    answer.failure = HttpAnswer::Failure::too_large;
    HttpSettings settings;
    settings.max_body = 7_kB;
    const CheckResult result = evaluate_http(answer, settings);
    CHECK_THAT(result.message.en, Catch::Contains("larger than allowed (7 KB)"));
    CHECK_THAT(result.hint.en, Catch::Contains("max_body"));
    const auto elsewhere = http_failure(answer, HttpRequest{}); // of checks that have no such key
    REQUIRE(elsewhere);
    CHECK_THAT(elsewhere->hint.en, !Catch::Contains("max_body"));
}

TEST_CASE("http check: a port without TLS is named as such", "[http-check]") {
    HttpAnswer answer;
    answer.failure = HttpAnswer::Failure::tls;
    answer.detail = "error:0A00010B:SSL routines::wrong version number";
    CHECK_THAT(evaluate_http(answer, HttpSettings{}).hint.en, Catch::Contains("TLS is switched on"));
}

TEST_CASE("http check: too many headers are no matter of max_body", "[http-check]") {
    HttpAnswer answer;
    answer.failure = HttpAnswer::Failure::headers_too_large;
    const CheckResult result = evaluate_http(answer, site());
    CHECK(result.status == Status::critical);
    CHECK(result.remedy == Remedy::cannot_help);
    CHECK_THAT(result.hint.en, !Catch::Contains("max_body"));
}

TEST_CASE("http check: headers by part of their value", "[http-check]") {
    HttpSettings settings = site();
    settings.expect_headers = {{"Content-Type", "text/html"}};
    CHECK(evaluate_http(page(200, "", {{"content-type", "text/html; charset=utf-8"}}), settings).status ==
          Status::ok);
    CHECK(evaluate_http(page(200, "", {{"content-type", "image/png"}}), settings).status == Status::critical);
    CHECK(evaluate_http(page(200), settings).status == Status::critical);
}

TEST_CASE("http check: of several headers of one name any may be the one", "[http-check]") {
    HttpSettings settings = site();
    settings.expect_headers = {{"Set-Cookie", "sessionid="}};
    const auto status = [&](const std::string& second) {
        return evaluate_http(page(200, "", {{"set-cookie", "csrftoken=a"}, {"set-cookie", second}}), settings)
            .status;
    };
    CHECK(status("sessionid=b") == Status::ok);
    CHECK(status("lang=ru") == Status::critical);
}

TEST_CASE("http check: values in JSON", "[http-check]") {
    const std::string health = R"({"status":"healthy","checks":{"database":"ok"},"n":1,"list":[true]})";
    CHECK(json_status(health, "/checks/database", "\"ok\"") == Status::ok);
    CHECK(json_status(health, "/n", "1.0") == Status::ok);
    CHECK(json_status(health, "/n", "\"1\"") == Status::critical); // another type is another value
    CHECK(json_status(health, "/list/0", "\"true\"") == Status::critical);
    CHECK(json_status(health, "/list", "{}") == Status::critical);
    CHECK(json_status(health, "/list/0", "true") == Status::ok);
    CHECK(json_status(health, "/checks", R"({"database":"ok"})") == Status::ok);
    CHECK(json_status(health, "/checks/database", "\"down\"") == Status::critical);
    CHECK(json_status(health, "/absent", "1") == Status::critical);
    CHECK(json_status(health, "/list/7", "1") == Status::critical);
    CHECK(json_status(health, "/list/x", "1") == Status::critical);
    CHECK(json_status("<html>", "/a", "1") == Status::critical);
    CHECK(json_status("", "/a", "1") == Status::critical);
    CHECK(json_status("{\"a\":\"\xff\"}", "/a", "1") == Status::critical);
}

TEST_CASE("http check: JSON is nested at most a hundred deep", "[http-check]") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(json_status(nested(100), "", nested(100)) == Status::ok);
    CHECK(json_status(nested(101), "", nested(101)) == Status::critical);
    CHECK(json_status(nested(200'000), "/a", "1") == Status::critical);
    CHECK(json_status("\"" + std::string(500, '[') + "\\\"" + std::string(500, '[') + "\"", "/a", "1") ==
          Status::critical); // no such value, but not for its depth
}

TEST_CASE("http check: a redirect that led astray is told step by step", "[http-check]") {
    HttpAnswer answer = page(404);
    answer.hops = {{"http://site.example/", 301}, {"https://site.example/", 302}};
    answer.final_url = "https://site.example/login";
    CHECK_THAT(evaluate_http(answer, site()).hint.en,
               Catch::Contains("redirected: 301 http://site.example/ → 302 https://site.example/ → "
                               "https://site.example/login"));
    answer.status = 200;
    CHECK(evaluate_http(answer, site()).hint.empty());
    answer.failure = HttpAnswer::Failure::redirects;
    CHECK_THAT(evaluate_http(answer, site()).hint.en, Catch::Contains("302 https://site.example/"));
}

TEST_CASE("http check: every key of a request reaches the request", "[http-check]") {
    HttpSettings settings = site();
    settings.method = "PUT";
    settings.body = Secret("{}");
    settings.follow = false;
    settings.verify = false;
    settings.ca = "/ca.pem";
    settings.client_cert = "/own.pem";
    settings.client_key = "/own.key";
    settings.http_version = "1.1";
    settings.max_body = 7_kB;
    settings.timeout = 70ms;
    const HttpRequest request = http_request(settings);
    CHECK(request.method == "PUT");
    CHECK(request.body == "{}");
    CHECK_FALSE(request.follow);
    CHECK_FALSE(request.verify);
    CHECK(request.ca == "/ca.pem");
    CHECK(request.client_cert == "/own.pem");
    CHECK(request.client_key == "/own.key");
    CHECK(request.http_version == "1.1");
    CHECK(request.max_body == 7_kB);
    CHECK(request.timeout == 70ms);
}

TEST_CASE("http check: a method or header that would be another request is wrong configuration",
          "[http-check]") {
    const auto problems = [](const std::string& key, Node::Value value) {
        const std::shared_ptr<void> settings = http_check_type().schema().make();
        Problems found;
        Reading reading{found, {}};
        const Target target{&http_check_type().schema(), settings.get()};
        const Node::Table table{Member{"url", {}, {Node(std::string("https://site.example/"), {})}},
                                Member{key, {}, {Node(std::move(value), {})}}};
        read_table(Node(table, {}), {&target, 1}, reading);
        return found.has_errors();
    };
    const auto header = [](const std::string& name, const std::string& value) {
        return Node::Table{Member{name, {}, {Node(value, {})}}};
    };
    CHECK_FALSE(problems("method", std::string("OPTIONS")));
    CHECK(problems("method", std::string("get")));
    CHECK(problems("method", std::string("GET / HTTP/1.1\r\nX: y")));
    CHECK(problems("method", std::string()));
    CHECK_FALSE(problems("headers", header("X-Token", "a b: c")));
    CHECK(problems("headers", header("X-Token", "a\r\nX-Other: b")));
    CHECK(problems("headers", header("X Token", "a")));
    CHECK(problems("expect_headers", header("X-Token:", "a")));
}

TEST_CASE("http check: asks what is configured, and evaluates what comes", "[http-check]") {
    BareWorld bare;
    bare.http.on("https://site.example/", page(200, "fine"));
    HttpSettings settings = site();
    settings.resolve = "127.0.0.1";
    settings.headers["X-Token"] = Secret("planted-secret");
    settings.contains = {"fine"};
    const std::unique_ptr<Check> check = http_check_type().make(&settings);
    const std::map<std::string, std::string> memory;
    const CheckContext context{bare.world, bare.clock.now(), bare.clock.steady() + 10s, memory};
    auto task = dynamic_cast<const AsyncCheck&>(*check).run(context);
    task.start([] {});
    bare.http.poll(1s);
    REQUIRE(task.done());
    CHECK(task.value().status == Status::ok);
    REQUIRE(bare.http.requests().size() == 1);
    CHECK(bare.http.requests()[0].resolve == "127.0.0.1");
    CHECK(bare.http.requests()[0].headers[0].second == "planted-secret");
    CHECK_FALSE(bare.http.requests()[0].new_connection);
    CheckContext asked_again = context;
    asked_again.recheck = true;
    auto again = dynamic_cast<const AsyncCheck&>(*check).run(asked_again);
    again.start([] {});
    CHECK(bare.http.requests().at(1).new_connection);
}

TEST_CASE("http check: only what changes nothing may be asked twice at once", "[http-check]") {
    const auto [method, may_be] = GENERATE(table<std::string, bool>(
        {{"GET", true}, {"HEAD", true}, {"POST", false}, {"PUT", false}, {"DELETE", false}}));
    HttpSettings settings = site();
    settings.method = method;
    settings.timeout = 5s;
    const std::unique_ptr<Check> check = http_check_type().make(&settings);
    const auto limit = dynamic_cast<const AskedBeside&>(*check).limit_of_silence();
    CHECK(limit == (may_be ? std::optional<Duration>(5s) : std::nullopt));
}

#include "smoke/judge_step.h"
#include "support/fake_http.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;
using Failure = HttpAnswer::Failure;
using Phase = HttpAnswer::Phase;

namespace {

StepSettings getting(const std::string& path = "/api/lessons/") {
    StepSettings step;
    step.name = "lessons";
    step.get = path;
    return step;
}

StepSettings expecting(const std::string& pointer, const std::string& written) {
    StepSettings step = getting();
    step.expect_json[pointer] = {written};
    return step;
}

CheckResult judge(const HttpAnswer& answer, const StepSettings& step = getting()) {
    HttpRequest request;
    request.url = "https://site.example" + *step.get;
    return evaluate_step(answer, step, request);
}

Status json_status(const std::string& body, const std::string& pointer, const std::string& written) {
    return judge(page(200, body), expecting(pointer, written)).status;
}

std::string json_words(const std::string& body, const std::string& pointer, const std::string& written) {
    return judge(page(200, body), expecting(pointer, written)).message.en;
}

StepSettings range_of(const std::string& range) {
    StepSettings step = getting("/stream/");
    step.range = range;
    return step;
}

HttpAnswer part(const std::string& content_range, std::size_t bytes) {
    return page(206, std::string(bytes, 'x'), {{"content-range", content_range}});
}

// An answer that took so long to connect, to wait for, to receive.
HttpAnswer taking(Duration connecting, Duration waiting, Duration receiving) {
    HttpAnswer answer = page(200);
    const auto set = [&](Phase phase, Duration at) { answer.phases[static_cast<std::size_t>(phase)] = at; };
    set(Phase::dns, 0ms);
    set(Phase::connect, connecting);
    set(Phase::first_byte, connecting + waiting);
    set(Phase::body, connecting + waiting + receiving);
    answer.total = connecting + waiting + receiving;
    return answer;
}

} // namespace

TEST_CASE("an expectation with a slip of the hand is no value to compare with") {
    for (const char* wrong : {R"({"tpye":"string"})", R"({"type":"array","mim":1})", R"({"type":"strin"})"}) {
        INFO(wrong);
        CHECK_FALSE(expected_value({wrong}).ok());
    }
    for (const char* value : {R"({"type":"object","id":5})", R"({"tax":5})", R"({"state":"ok"})", "{}"}) {
        INFO(value);
        CHECK(expected_value({value})->equal == value);
    }
}

TEST_CASE("step: a good answer is ok and measured", "[judge-step]") {
    const CheckResult result = judge(page(200));
    CHECK(result.status == Status::ok);
    REQUIRE(result.metrics.size() == 1);
    CHECK(result.metrics[0].name == "time");
    CHECK(judge(page(204)).status == Status::ok);
}

TEST_CASE("step: a status that is not wanted", "[judge-step]") {
    CHECK(judge(page(500)).message.en == "HTTP 500, expected 2xx");
    StepSettings step = getting();
    step.status = StatusSet({{200, 201}, {400, 400}});
    CHECK(judge(page(400), step).status == Status::ok);
    CHECK(judge(page(402), step).status == Status::critical);
}

TEST_CASE("step: no answer", "[judge-step]") {
    CHECK(judge(failed(Failure::refused)).status == Status::critical);
    CHECK_THAT(judge(failed(Failure::timeout, Phase::first_byte)).message.en,
               Catch::Contains("waiting for the first byte"));
    CHECK_THAT(judge(failed(Failure::too_large, Phase::body)).hint.en, Catch::Contains("max_size"));
    CHECK(judge(failed(Failure::own_fault)).status == Status::unknown);
}

TEST_CASE("step: after a login 401 and 403 say more", "[judge-step]") {
    StepSettings step = getting();
    const Text nobody = judge(page(401), step).hint;
    step.as = "teacher";
    CHECK(judge(page(401), step).hint != nobody);
    CHECK_THAT(judge(page(401), step).hint.en, Catch::Contains("token"));
    CHECK_THAT(judge(page(403), step).hint.en, Catch::Contains("role"));
}

TEST_CASE("step: a URL without its slash is named, followed or not", "[judge-step]") {
    HttpAnswer followed = page(200);
    followed.hops = {{"https://site.example/api/lessons", 301}};
    followed.final_url = "https://site.example/api/lessons/";
    const CheckResult result = judge(followed, getting("/api/lessons"));
    CHECK(result.status == Status::critical);
    CHECK(result.message.en ==
          "the URL lacks its trailing slash: /api/lessons is redirected to /api/lessons/");
    CHECK(result.message.ru ==
          "в адресе нет косой черты в конце: /api/lessons перенаправляется на /api/lessons/");
    for (const char* location : {"/api/lessons/", "https://site.example/api/lessons/", "/api/lessons/?a=1"}) {
        const HttpAnswer stopped = page(301, "", {{"location", location}});
        CHECK(judge(stopped, getting("/api/lessons")).message == result.message);
    }
}

TEST_CASE("step: other redirects that were followed are no failure", "[judge-step]") {
    HttpAnswer answer = page(200);
    answer.hops = {{"http://site.example/api/lessons/", 301}};
    answer.final_url = "https://site.example/api/lessons/";
    CHECK(judge(answer).status == Status::ok);
}

TEST_CASE("step: who is logged in and ends at the login page is not let in", "[judge-step]") {
    HttpAnswer answer = page(200, "<!doctype html><input type=password>");
    answer.hops = {{"https://site.example/profile/", 302}};
    answer.final_url = "https://site.example/login/?next=/profile/";
    StepSettings step = getting("/profile/");
    CHECK(judge(answer, step).status == Status::ok); // nobody said that one has to be logged in
    step.as = "teacher";
    const CheckResult result = judge(answer, step);
    CHECK(result.status == Status::critical);
    CHECK(result.message.en == "redirected to the login page /login/");
    CHECK_THAT(result.hint.en, Catch::Contains("the session or the token of this step is not accepted"));

    answer.hops.push_back({"https://site.example/login/?next=/profile/", 302}); // and back again
    answer.final_url = "https://site.example/profile/";
    CHECK(judge(answer, step).status == Status::ok);
}

TEST_CASE("step: a redirect that is not followed says where to", "[judge-step]") {
    const CheckResult to_login = judge(page(302, "", {{"location", "/accounts/login/?next=/api/lessons/"}}));
    CHECK(to_login.status == Status::critical);
    CHECK(to_login.message.en == "HTTP 302, expected 2xx: redirected to /accounts/login/?next=/api/lessons/");
    CHECK_THAT(to_login.hint.en, Catch::Contains("asks for a login"));
    CHECK(judge(page(302, "", {{"location", "/elsewhere/"}})).hint.empty());
    StepSettings wants = getting();
    wants.status = StatusSet({{302, 302}});
    CHECK(judge(page(302, "", {{"location", "/elsewhere/"}}), wants).status == Status::ok);
}

TEST_CASE("step: where redirects led is said of an answer that is wrong", "[judge-step]") {
    HttpAnswer answer = page(404);
    answer.hops = {{"https://site.example/old/", 302}};
    answer.final_url = "https://site.example/gone/";
    CHECK_THAT(judge(answer).hint.en, Catch::Contains("redirected: 302 https://site.example/old/"));
}

TEST_CASE("step: values of JSON", "[judge-step]") {
    CHECK(json_status(R"({"state":"ok"})", "/state", R"("ok")") == Status::ok);
    CHECK(json_words(R"({"state":"down"})", "/state", R"("ok")") == R"(/state is "down", expected "ok")");
    CHECK(json_words("{}", "/state", R"("ok")") == "the answer has no /state");
    CHECK(json_status(R"({"a":{"b":[1,2]}})", "/a", R"({"b":[1,2]})") == Status::ok);
    CHECK(json_status(R"({"type":"integer","x":1})", "", R"({"type":"integer","x":1})") == Status::ok);
}

TEST_CASE("step: types of JSON", "[judge-step]") {
    const std::string body = R"({"s":"x","n":1.5,"i":7,"b":true,"l":[1],"o":{"k":1},"z":null})";
    const std::vector<std::pair<std::string, std::string>> right{
        {"/s", "string"},  {"/n", "number"}, {"/i", "integer"}, {"/i", "number"},
        {"/b", "boolean"}, {"/l", "array"},  {"/o", "object"},  {"/z", "null"}};
    for (const auto& [pointer, type] : right) {
        INFO(pointer);
        CHECK(json_status(body, pointer, R"({"type":")" + type + R"("})") == Status::ok);
    }
    CHECK(json_words(body, "/n", R"({"type":"integer"})") == "/n is 1.5, expected a value of type integer");
    CHECK(json_words(body, "/z", R"({"type":"array"})") == "/z is null, expected a value of type array");
}

TEST_CASE("step: an empty list is named", "[judge-step]") {
    CHECK(json_words(R"({"results":[]})", "/results", R"({"type":"array","min":1})") ==
          "the list /results is empty, at least 1 expected");
    CHECK(json_words("[]", "", R"({"min":1})") == "the list of the answer is empty, at least 1 expected");
    CHECK(json_words(R"({"l":[1]})", "/l", R"({"min":2})") == "the length of /l is 1, at least 2 expected");
    CHECK(json_words(R"({"l":[1,2,3]})", "/l", R"({"max":2})") ==
          "the length of /l is 3, at most 2 expected");
    CHECK(json_status(R"({"l":[1,2]})", "/l", R"({"min":1,"max":2})") == Status::ok);
}

TEST_CASE("step: numbers and texts have limits, too", "[judge-step]") {
    CHECK(json_words(R"({"n":3})", "/n", R"({"min":5})") == "/n is 3, at least 5 expected");
    CHECK(json_words(R"({"n":7.5})", "/n", R"({"max":5})") == "/n is 7.5, at most 5 expected");
    CHECK(json_status(R"({"n":5})", "/n", R"({"min":5,"max":5})") == Status::ok);
    CHECK(json_words(R"({"s":""})", "/s", R"({"min":1})") == "the length of /s is 0, at least 1 expected");
}

TEST_CASE("step: HTML where JSON is expected says whose page it is", "[judge-step]") {
    const StepSettings step = expecting("/id", "1");
    const CheckResult frontend =
        judge(page(200, "<!doctype html><html><title>Lectio</title><div id=\"root\"></div></html>"), step);
    CHECK(frontend.message.en == "an HTML page came, no JSON: “Lectio”");
    CHECK(frontend.message.ru == "пришла HTML-страница, а не JSON: «Lectio»");
    CHECK_THAT(frontend.hint.en, Catch::Contains("frontend"));
    const CheckResult nginx =
        judge(page(200, "<!DOCTYPE html><html><title>Welcome to nginx!</title></html>"), step);
    CHECK_THAT(nginx.hint.en, Catch::Contains("nginx's own welcome page"));
    CHECK_THAT(judge(page(400, "<h1>Bad Request (400)</h1>"), step).hint.en,
               Catch::Contains("ALLOWED_HOSTS"));
    CHECK(judge(page(200, "   "), step).message.en == "the answer is empty, no JSON");
    CHECK(judge(page(200, "{\"id\":"), step).message.en == "the answer is no JSON");
}

TEST_CASE("step: a value that is to be saved from JSON needs JSON", "[judge-step]") {
    StepSettings step = getting();
    step.save["id"] = {R"("/results/0/id")"};
    CHECK(judge(page(200, "<html><title>x</title></html>"), step).status == Status::critical);
    // Who uses it is skipped, so this one says that it is missing.
    const CheckResult nothing = judge(page(200, R"({"results":[]})"), step);
    CHECK(nothing.status == Status::warning);
    CHECK(nothing.message.en ==
          "the answer has nothing to save as {id}: no /results/0/id; what needs it is not asked");
    CHECK_THAT(nothing.hint.ru, Catch::Contains("исправьте сайт или save этого шага"));
    CHECK(judge(page(200, R"({"results":[{"id":7}]})"), step).status == Status::ok);
    step.save["id"] = {R"({"header":"ETag"})"};
    CHECK(judge(page(200, "<html>"), step).status == Status::warning);
    CHECK(judge(page(200, "<html>", {{"etag", "x"}}), step).status == Status::ok);
}

TEST_CASE("step: headers are patterns, whatever their case", "[judge-step]") {
    StepSettings step = getting();
    step.expect_headers["Content-Type"] = "application/json*";
    CHECK(judge(page(200, "", {{"content-type", "Application/JSON; charset=utf-8"}}), step).status ==
          Status::ok);
    CHECK(judge(page(200, "", {{"content-type", "text/html"}}), step).message.en ==
          "the header Content-Type is “text/html”, expected “application/json*”");
    CHECK(judge(page(200), step).message.en == "the header Content-Type is missing");
}

TEST_CASE("step: texts of the body", "[judge-step]") {
    StepSettings step = getting();
    step.contains = {"Lectio"};
    step.not_contains = {"Traceback"};
    step.matches = {"main\\.[0-9a-f]{8}\\.js"};
    CHECK(judge(page(200, "Lectio main.0a1b2c3d.js"), step).status == Status::ok);
    CHECK(judge(page(200, "main.0a1b2c3d.js"), step).status == Status::critical);
    CHECK(judge(page(200, "Lectio Traceback main.0a1b2c3d.js"), step).status == Status::critical);
    CHECK(judge(page(200, "Lectio main.js"), step).status == Status::critical);
}

TEST_CASE("step: Range is kept to the byte", "[judge-step]") {
    CHECK(judge(part("bytes 0-1023/5000", 1024), range_of("0-1023")).status == Status::ok);
    CHECK(judge(part("bytes 0-999/1000", 1000), range_of("0-1023")).status == Status::ok); // a short file
    CHECK(judge(part("bytes 100-4999/5000", 4900), range_of("100-")).status == Status::ok);
    CHECK(judge(part("bytes 4500-4999/5000", 500), range_of("-500")).status == Status::ok);
    CHECK(judge(part("bytes 0-99/100", 100), range_of("-500")).status == Status::ok);
    CHECK(judge(part("bytes 0-1023/*", 1024), range_of("0-1023")).status == Status::ok);
}

TEST_CASE("step: Range that is not kept is told for what it is", "[judge-step]") {
    const auto words = [](const HttpAnswer& answer) { return judge(answer, range_of("0-1023")).message.en; };
    CHECK_THAT(words(page(200, std::string(5000, 'x'))), Catch::StartsWith("Range is ignored: HTTP 200"));
    CHECK(words(page(206, std::string(1024, 'x'))) ==
          "HTTP 206 without a Content-Range that can be read: “”");
    CHECK(words(part("bytes 1-1024/5000", 1024)) ==
          "Content-Range is “bytes 1-1024/5000”, asked were the bytes 0-1023");
    CHECK(words(part("bytes 0-511/5000", 512)) ==
          "Content-Range is “bytes 0-511/5000”, asked were the bytes 0-1023");
    CHECK(words(part("bytes 0-1023/5000", 1000)) == "1000 bytes came, Content-Range promises 1024");
    for (const char* odd : {"bytes */5000", "bytes 9-3/5000", "items 0-1023/5000", "bytes 0-1023",
                            "bytes -/-", "bytes 0-99999999999999999999999/5"}) {
        INFO(odd);
        CHECK_THAT(words(part(odd, 1024)), Catch::StartsWith("HTTP 206 without"));
    }
}

TEST_CASE("step: slow says where the time went", "[judge-step]") {
    StepSettings step = getting();
    step.max_time = 1s;
    CHECK(judge(taking(10ms, 900ms, 10ms), step).status == Status::ok);
    const CheckResult behind = judge(taking(10ms, 2800ms, 10ms), step);
    CHECK(behind.status == Status::warning);
    CHECK_THAT(behind.hint.en,
               Catch::Contains("2.8 s waiting for the first byte") && Catch::Contains("the application"));
    CHECK_THAT(judge(taking(2500ms, 10ms, 10ms), step).hint.en, Catch::Contains("on the way there"));
    CHECK_THAT(judge(taking(10ms, 10ms, 2500ms), step).hint.en, Catch::Contains("on the way there"));
}

TEST_CASE("burst: each answer counts", "[judge-step]") {
    StepSettings step = getting("/health");
    step.parallel = 3;
    step.within = 1s;
    const HttpRequest request;
    CHECK(evaluate_burst({page(200), page(200), page(200)}, step, request).message.en ==
          "3 at once, the slowest in 3 ms");
    const CheckResult bad = evaluate_burst({page(200), page(502), page(503)}, step, request);
    CHECK(bad.status == Status::critical);
    CHECK(bad.message.en == "2 of 3 at once: HTTP 502, expected 2xx");
    const CheckResult late = evaluate_burst({page(200), taking(1ms, 1500ms, 1ms), page(200)}, step, request);
    CHECK(late.status == Status::warning);
    CHECK_THAT(late.message.en, Catch::StartsWith("1 of 3 at once answered later than 1 s"));
    CHECK_THAT(late.hint.en, Catch::Contains("workers"));
}

TEST_CASE("repeat: the worst, of two the first", "[judge-step]") {
    const StepSettings step = getting();
    std::vector<CheckResult> results{judge(page(200)), judge(page(500)), judge(page(502))};
    CHECK(evaluate_repeated(results).message.en == "asked 3 times, attempt 2: HTTP 500, expected 2xx");
    StepSettings slow = getting();
    slow.max_time = 1ms;
    const CheckResult late = judge(taking(0ms, 5ms, 0ms), slow);
    REQUIRE(late.status == Status::warning);
    CHECK(evaluate_repeated({late, judge(page(200)), judge(page(500))}).status == Status::critical);
    CHECK(evaluate_repeated({late, judge(page(200))}).status == Status::warning);
    CHECK(evaluate_repeated({judge(page(200)), judge(page(200))}).status == Status::ok);
    CHECK(evaluate_repeated({judge(page(500))}).message.en == "HTTP 500, expected 2xx");
}

TEST_CASE("step: let in where it wants to be refused", "[judge-step]") {
    StepSettings step = getting();
    step.status = StatusSet({{401, 401}, {403, 403}});
    const std::string pupils = R"([{"pupil":"Иван Петров","phone":"+7 900 000-00-00"}])";
    const CheckResult open = judge(page(200, pupils), step);
    CHECK(open.status == Status::critical);
    CHECK(open.message.en == "open without a login: HTTP 200, expected 401, 403");
    CHECK(open.message.ru == "открыто без входа: HTTP 200, ожидался 401, 403");
    CHECK_THAT(open.hint.en, Catch::Contains("asks for no login"));
    CHECK(open.evidence.empty()); // nobody should see it, no channel of alerts either
    CHECK(open.remedy == Remedy::cannot_help);
    step.as = "student";
    const CheckResult to_student = judge(page(200, pupils), step);
    CHECK(to_student.message.en == "open to student, who should be refused: HTTP 200, expected 401, 403");
    CHECK(to_student.evidence.empty());
    step.as = "";
    CHECK(judge(page(401), step).status == Status::ok);
    CHECK(judge(page(500), step).message.en == "HTTP 500, expected 401, 403");
    const CheckResult frontend =
        judge(page(200, "<!doctype html><html><div id=\"root\"></div></html>"), step);
    CHECK(frontend.message.en == "HTTP 200, expected 401, 403"); // any path leads there
    CHECK_THAT(frontend.hint.en, Catch::Contains("page of the frontend"));
    HttpAnswer at_login = page(200, "<html>Log in</html>");
    at_login.hops = {{"https://site.example/api/lessons/", 302}};
    at_login.final_url = "https://site.example/login/";
    CHECK_THAT(judge(at_login, step).message.en, !Catch::Contains("open without"));
}

TEST_CASE("limit: where nothing is, no limit is missing", "[judge-step]") {
    StepSettings step = getting("/login/");
    step.limit = LimitExpectation{3, 60s, StatusSet({{429, 429}})};
    for (const int status : {404, 405, 302}) {
        const CheckResult wrong =
            evaluate_limit({page(status), page(status), page(status)}, 2s, step, HttpRequest{});
        CHECK(wrong.status == Status::critical);
        CHECK(wrong.message.en == "nothing to limit is there: HTTP " + std::to_string(status));
        CHECK_THAT(wrong.hint.ru, Catch::Contains("путь этого шага неверен"));
    }
    step.limit->requests = 4;
    const CheckResult four =
        evaluate_limit({page(401), page(401), page(401), page(401)}, 2s, step, HttpRequest{});
    CHECK(four.message.ru == "ограничения нет: 4 запроса за 2 s, и последний получил HTTP 401, ожидался 429");
}

TEST_CASE("limit: the last must be refused", "[judge-step]") {
    StepSettings step = getting("/login/");
    step.limit = LimitExpectation{3, 60s, StatusSet({{429, 429}})};
    const HttpRequest request;
    const auto judge_limit = [&](std::vector<HttpAnswer> answers, Duration took = 2s) {
        return evaluate_limit(answers, took, step, request);
    };
    CHECK(judge_limit({page(401), page(401), page(429)}).message.en ==
          "limited: request 3 of 3 got HTTP 429");
    CHECK(judge_limit({page(401), page(429), page(429)}).message.en ==
          "limited: request 2 of 3 got HTTP 429");
    const CheckResult none = judge_limit({page(401), page(401), page(401)});
    CHECK(none.status == Status::critical);
    CHECK(none.message.en == "nothing limits it: 3 requests in 2 s, and the last got HTTP 401, expected 429");
    CHECK(judge_limit({page(401), page(401), page(401)}, 61s).status == Status::unknown);
    CHECK(judge_limit({page(401), page(500), page(429)}).message.en ==
          "request 2 of 3: HTTP 500, expected 100-499");
    CHECK(judge_limit({page(401), failed(Failure::refused), page(429)}).status == Status::critical);
}

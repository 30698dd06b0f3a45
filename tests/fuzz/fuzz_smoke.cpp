// What a site hands to who logs in: a token with its times, cookies, an answer that a step judges; and what a check of
// growth finds in its memory. The parts of an input are these, in that order.
#include "checks/growth_track.h"
#include "property.h"
#include "smoke/cookies.h"
#include "smoke/judge_login.h"
#include "smoke/judge_step.h"
#include "smoke/token.h"

#include <string>
#include <vector>

using namespace lectio;
using fuzz::require;

namespace {

constexpr std::string_view k_site = "https://site.test/login/";

HttpAnswer answer_of(std::string_view body, std::string_view header) {
    HttpAnswer answer;
    answer.phase = HttpAnswer::Phase::done;
    answer.status = 200;
    answer.body = body;
    answer.headers = {{"content-type", "application/json"}, {"set-cookie", std::string(header)}};
    return answer;
}

void judge_login(const HttpAnswer& answer) {
    LoginSettings login;
    login.post = "/login/";
    login.token = "/access";
    HttpRequest request;
    request.url = k_site;
    const LoginVerdict verdict = evaluate_login(answer, login, request, true, WallTime{});
    require(verdict.in || verdict.token.empty(), "who is not let in has no token");
    for (const char c : verdict.token.reveal()) {
        require(c > ' ' && c <= '~', "a token ends no header");
    }
}

void judge_step(const HttpAnswer& answer) {
    StepSettings step;
    step.get = "/x/";
    step.expect_json["/list"] = {R"({"type":"array","min":1})"};
    step.expect_json["/role"] = {R"("teacher")"};
    step.save["id"] = {R"("/id")"};
    HttpRequest request;
    request.url = k_site;
    const CheckResult result = evaluate_step(answer, step, request);
    require(result.status != Status::unknown && !result.message.en.empty(), "an answer is judged in words");
}

void remember(std::string_view text) {
    GrowthTrack track = GrowthTrack::from_text(text);
    require(GrowthTrack::from_text(track.to_text()).to_text() == track.to_text(),
            "what is kept is read as it was");
    const Now now{WallTime{} + std::chrono::hours(500'000), std::chrono::hours(1), "boot"};
    track.add(now, Bytes{1});
    require(track.last().has_value() && track.to_text().size() < 2000, "a track stays small");
    require(!track.pace() || track.watched() >= std::chrono::hours(71), "no pace before three days");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::string_view> parts = fuzz::parts_of(fuzz::text_of(data, size));
    parts.resize(4);
    if (const std::optional<TokenTimes> times = times_of_token(parts[0])) {
        require(parts[0].find('.') != std::string_view::npos, "a token with times has parts");
    }
    const HttpAnswer answer = answer_of(parts[2], parts[1]);
    CookieJar jar;
    jar.take(answer);
    judge_login(answer);
    judge_step(answer);
    remember(parts[3]);
    return 0;
}

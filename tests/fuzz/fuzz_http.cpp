// What a web server answers, as libcurl and our code take it: status, headers, lengths, chunks, redirects, compressed
// bodies, JSON. The parts of an input are what one connection after the other hears.
#include "checks/http.h"
#include "platform/curl_http.h"
#include "property.h"
#include "scripted_peer.h"
#include "util/text.h"

#include <algorithm>

using namespace lectio;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

constexpr std::string_view k_secret = "made-up-key";

HttpSettings settings() {
    HttpSettings settings;
    settings.url = "http://site.test/start?q=1";
    settings.headers["X-Api-Key"] = Secret(std::string(k_secret));
    settings.contains = {"ok"};
    settings.matches = {"(status|ok)+"};
    settings.json["/status"] = JsonText{"\"ok\""};
    settings.expect_headers["Content-Type"] = "json";
    settings.max_body = Bytes{100'000};
    settings.timeout = 300ms; // nobody waits for more: the peer has hung up
    return settings;
}

HttpAnswer ask(const HttpSettings& settings) {
    CurlHttp http([](const std::string&) { return NameLookup{{"127.0.0.1"}, {}, false}; });
    std::optional<HttpAnswer> answer;
    const auto transfer = http.start(http_request(settings), [&](HttpAnswer given) {
        require(!answer, "an answer comes once");
        answer = std::move(given);
    });
    while (!answer) {
        http.poll(1s);
    }
    return *std::move(answer);
}

bool is_line(std::string_view text) {
    return text.find('\n') == std::string_view::npos; // a bare carriage return ends no line
}

void judge(const HttpAnswer& answer, const HttpSettings& settings) {
    require(answer.body.size() <= settings.max_body.count, "no body is larger than max_body");
    require(answer.hops.size() <= 6, "no more redirects are followed than allowed");
    for (const HttpHop& hop : answer.hops) {
        require(hop.url.starts_with("http://") || hop.url.starts_with("https://"), "a hop is http or https");
    }
    for (const auto& [name, value] : answer.headers) {
        require(name == to_lower_ascii(name) && is_line(name) && is_line(value), "a header is one line");
    }
    const bool whole = answer.failure == HttpAnswer::Failure::none;
    require(!whole || (answer.phase == HttpAnswer::Phase::done && answer.status > 100),
            "an answer without failure is a whole one");
}

// What was configured for a site is told to that site only (its Host names the origin, its port included).
void judge_requests() {
    for (const std::string& told : fuzz::heard()) {
        for (std::string_view rest = told; !rest.empty();) {
            const std::size_t end = std::min(rest.find("\r\n\r\n"), rest.size());
            const std::string_view request = rest.substr(0, end);
            const bool ours = request.find("\r\nHost: site.test\r\n") != std::string_view::npos;
            require(ours || request.find(k_secret) == std::string_view::npos,
                    "no secret goes to another origin");
            rest.remove_prefix(std::min(end + 4, rest.size()));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const HttpSettings wanted = settings();
    fuzz::script(fuzz::parts_of(fuzz::text_of(data, size)));
    const HttpAnswer answer = ask(wanted);
    judge(answer, wanted);
    judge_requests();
    const CheckResult result = evaluate_http(answer, wanted);
    require(!result.message.en.empty() && !result.message.ru.empty(), "a result has words");
    return 0;
}

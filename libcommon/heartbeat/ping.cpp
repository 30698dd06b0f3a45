#include "heartbeat/ping.h"

#include "alerts/http_outcome.h"
#include "platform/ask_now.h"
#include "platform/http_failure.h"
#include "platform/stop.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace lectio::heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr int k_attempts = 3;
constexpr Duration k_pause = 500ms; // between two that failed at once
constexpr Duration k_shortest = 100ms;
constexpr Bytes k_most_body{1'000'000}; // whatever a server says that it takes
constexpr std::size_t k_longest_words = 100;

constexpr Phrase k_nobody_waits{"{}: nobody waits for a ping there ({})",
                                "{}: там никто не ждёт сигнала ({})"};
constexpr Phrase k_nobody_waits_hint{
    "is `url` of [heartbeat] the ping URL of a check that still exists?",
    "указан ли в url раздела [heartbeat] адрес проверки, которая ещё существует?"};
constexpr Phrase k_too_often{"{}: pinged too often, this ping does not count",
                             "{}: слишком частые сигналы, этот не засчитан"};
constexpr Phrase k_too_often_hint{"is another host or cron line using the same ping URL?",
                                  "не использует ли тот же адрес другой сервер или другая строка cron?"};
constexpr Phrase k_refused{"{}: HTTP {}", "{}: HTTP {}"};
constexpr Phrase k_url_hint{"look at `url` of [heartbeat]", "проверьте url в разделе [heartbeat]"};
constexpr Phrase k_network_hint{"look at the network of this server: curl -m 10 -sv the ping URL",
                                "проверьте сеть сервера: curl -m 10 -sv и адрес сигнала"};

std::string suffix_of(const Ping& ping) {
    switch (ping.signal) {
    case Ping::Signal::start:
        return "/start";
    case Ping::Signal::fail:
        return "/fail";
    case Ping::Signal::exit_status:
        return fmt::format("/{}", ping.exit_status);
    case Ping::Signal::success:
        break;
    }
    return "";
}

// The last `limit` bytes, from the beginning of a character.
std::string_view end_of(std::string_view body, std::size_t limit) {
    std::size_t from = body.size() > limit ? body.size() - limit : 0;
    while (from > 0 && from < body.size() && (static_cast<unsigned char>(body[from]) & 0xC0U) == 0x80U) {
        ++from;
    }
    return body.substr(from);
}

bool resolver_failed(const HttpAnswer& answer) {
    return answer.failure == HttpAnswer::Failure::dns || answer.failure == HttpAnswer::Failure::dns_timeout;
}

// What another attempt may change.
bool may_pass(const HttpAnswer& answer) {
    using Failure = HttpAnswer::Failure;
    if (answer.failure != Failure::none) {
        return answer.failure != Failure::bad_url && answer.failure != Failure::redirects;
    }
    return answer.status == 429 || answer.status >= 500;
}

// A UUID's server answers 200 also to what it does not count, and says so in the body.
PingOutcome judge(const HttpAnswer& answer, const std::string& peer) {
    PingOutcome outcome;
    const std::string said = shorten(clean_line(answer.body), k_longest_words);
    if (answer.failure != HttpAnswer::Failure::none) {
        outcome.problem = http_failure_words(answer, peer);
        outcome.hint = say(answer.failure == HttpAnswer::Failure::bad_url ? k_url_hint : k_network_hint);
    } else if (answer.status == 404 || answer.status == 410 || said == "OK (not found)") {
        outcome.problem =
            say(k_nobody_waits, peer, answer.status == 200 ? said : fmt::format("HTTP {}", answer.status));
        outcome.hint = say(k_nobody_waits_hint);
    } else if (answer.status == 429 || said == "OK (rate limited)") {
        outcome.problem = say(k_too_often, peer);
        outcome.hint = say(k_too_often_hint);
    } else if (answer.status < 200 || answer.status > 299) {
        outcome.problem = say(k_refused, peer, answer.status);
        outcome.hint = say(k_url_hint);
    } else {
        outcome.arrived = true;
    }
    return outcome;
}

} // namespace

std::string address_of(std::string_view url, const Ping& ping) {
    const std::string_view before = url.substr(0, url.find_first_of("?#"));
    const std::size_t fragment = std::min(url.find('#'), url.size());
    std::string query(url.substr(before.size(), fragment - before.size()));
    if (!ping.rid.empty()) {
        query += fmt::format("{}rid={}", query.empty() ? "?" : query == "?" ? "" : "&", ping.rid);
    }
    const std::string suffix = suffix_of(ping);
    std::string_view path = before;
    while (!suffix.empty() && path.ends_with('/')) {
        path.remove_suffix(1);
    }
    return fmt::format("{}{}{}", path, suffix, query);
}

PingOutcome Pinger::send(const Ping& ping, SteadyTime until) {
    PingOutcome outcome;
    std::string resolve;
    for (int attempt = 1; attempt <= k_attempts && !stop_requested(); ++attempt) {
        const Duration left = std::chrono::floor<Duration>(until - m_world.clock.steady());
        if (left < k_shortest) {
            break;
        }
        // A server that hangs leaves as much time to each attempt as is left for all.
        HttpRequest asked = request(ping, std::min(m_timeout, left / (k_attempts - attempt + 1)));
        asked.resolve = resolve;
        const HttpAnswer answer = ask_now(m_world.http, m_world.clock, asked, until);
        outcome = judge(answer, peer_of(m_url.reveal()));
        outcome.attempts = attempt;
        if (outcome.arrived) {
            learn(answer);
        }
        if (outcome.arrived || !may_pass(answer)) {
            return outcome;
        }
        resolve = resolver_failed(answer) ? m_memory.address : resolve;
        if (attempt < k_attempts) {
            sleep_unless_stopped(m_world.clock, std::min(until, m_world.clock.steady() + k_pause));
        }
    }
    return outcome;
}

// Without anything to say it is a GET, which every such service takes.
HttpRequest Pinger::request(const Ping& ping, Duration timeout) const {
    HttpRequest request;
    request.url = address_of(m_url.reveal(), ping);
    request.timeout = timeout;
    request.connect_timeout = timeout;
    request.tls_timeout = timeout;
    request.max_body = 64_kB;
    if (!ping.body.empty()) {
        request.method = "POST";
        request.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
        request.body = end_of(ping.body, std::min(m_memory.body_limit, k_most_body).count);
    }
    return request;
}

void Pinger::learn(const HttpAnswer& answer) {
    m_memory.address = without_port(answer.address);
    if (const std::string* limit = answer.header("ping-body-limit")) {
        if (const auto bytes = number_from<std::uint64_t>(*limit)) {
            m_memory.body_limit = Bytes{*bytes};
        }
    }
}

} // namespace lectio::heartbeat

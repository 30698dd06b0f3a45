#include "alerts/http_outcome.h"

#include "platform/http_failure.h"
#include "platform/http_url.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"

#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_dns_hint{"look at the resolver: /etc/resolv.conf", "проверьте DNS: /etc/resolv.conf"};
constexpr Phrase k_network_hint{"look at the network of this host and at `url` of the channel",
                                "проверьте сеть этого сервера и url у канала"};
constexpr Phrase k_url_hint{"look at `url` of the channel", "проверьте url у канала"};
constexpr Phrase k_tls_hint{"look at the clock of this host and at the package ca-certificates",
                            "проверьте часы сервера и пакет ca-certificates"};

constexpr std::size_t k_longest_words = 200;

Text hint_for(HttpAnswer::Failure failure, const FailureHints& hints) {
    using Failure = HttpAnswer::Failure;
    switch (failure) {
    case Failure::bad_url:
        return say(hints.url);
    case Failure::dns:
    case Failure::dns_timeout:
        return say(k_dns_hint);
    case Failure::tls:
        return say(k_tls_hint);
    default:
        return say(hints.network);
    }
}

} // namespace

std::string peer_of(const std::string& url) {
    const Result<HttpUrl> parsed = parse_http_url(url);
    return parsed ? fmt::format("{}:{}", parsed->host, parsed->port) : std::string("url");
}

std::string below(std::string_view url, std::string_view path) {
    while (url.ends_with('/')) {
        url.remove_suffix(1);
    }
    return fmt::format("{}/{}", url, path);
}

HttpRequest json_post(std::string url, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.url = std::move(url);
    request.headers = {{"Content-Type", "application/json"}};
    request.body = std::move(body);
    request.follow = false;
    return request;
}

Outcome outcome_of(Outcome::Kind kind, Text problem, Text hint) {
    Outcome result;
    result.kind = kind;
    result.problem = std::move(problem);
    result.hint = std::move(hint);
    return result;
}

Outcome outcome_of_failure(const HttpAnswer& answer, const std::string& whom) {
    return outcome_of_failure(answer, whom, {k_url_hint, k_network_hint});
}

Outcome outcome_of_failure(const HttpAnswer& answer, const std::string& whom, const FailureHints& hints) {
    using Failure = HttpAnswer::Failure;
    // Until the request is on its way nothing can have been accepted.
    const bool on_its_way = answer.phase >= HttpAnswer::Phase::send;
    Outcome result = outcome_of(on_its_way ? Outcome::Kind::unknown : Outcome::Kind::later,
                                http_failure_words(answer, whom), hint_for(answer.failure, hints));
    if (answer.failure == Failure::bad_url) {
        result.kind = Outcome::Kind::channel_refused;
    }
    result.resolver_failed = answer.failure == Failure::dns || answer.failure == Failure::dns_timeout;
    return result;
}

bool is_judged(const HttpAnswer& answer) {
    return answer.failure == HttpAnswer::Failure::none || answer.status >= 200;
}

std::optional<Duration> retry_after(const HttpAnswer& answer) {
    const std::string* header = answer.header("retry-after");
    const auto seconds = number_from<int>(header == nullptr ? std::string_view() : trim(*header));
    return seconds && *seconds >= 1 ? std::optional<Duration>(std::chrono::seconds(*seconds)) : std::nullopt;
}

std::string said(const HttpAnswer& answer) {
    return shorten(redact(clean_line(answer.body)), k_longest_words);
}

std::string without_port(std::string_view peer) {
    const std::size_t colon = peer.rfind(':');
    std::string_view address = peer.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    return std::string(address);
}

} // namespace lectio

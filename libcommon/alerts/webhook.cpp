#include "alerts/webhook.h"

#include "alerts/http_outcome.h"
#include "alerts/message_json.h"
#include "alerts/remarks.h"
#include "incidents/ids.h"
#include "platform/clock.h"
#include "platform/hmac.h"
#include "platform/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Phrase k_no_receiver{"{}: nobody takes this webhook any more (HTTP {})",
                               "{}: этот webhook больше никто не принимает (HTTP {})"};
constexpr Phrase k_no_receiver_hint{"look at `url` of the channel", "проверьте url у канала"};
constexpr Phrase k_not_allowed{"{}: the webhook is refused: HTTP {} {}", "{}: webhook отклонён: HTTP {} {}"};
constexpr Phrase k_not_allowed_hint{"look at `secret` and `headers` of the channel",
                                    "проверьте secret и headers у канала"};
constexpr Phrase k_elsewhere{"{}: the webhook has moved (HTTP {})", "{}: webhook переехал (HTTP {})"};
constexpr Phrase k_elsewhere_hint{"put its new address into `url`; redirects are not followed with a message",
                                  "впишите новый адрес в url: перенаправлениям с сообщением не следуем"};
constexpr Phrase k_refused{"{}: the message is refused: HTTP {} {}", "{}: сообщение отклонено: HTTP {} {}"};
constexpr Phrase k_too_fast{"{}: asks to wait (HTTP {})", "{}: просит подождать (HTTP {})"};
constexpr Phrase k_trouble{"{}: in trouble: HTTP {} {}", "{}: неполадки: HTTP {} {}"};

HttpRequest request_for(const WebhookChannel& settings, const Draft& draft, std::string body,
                        Duration timeout) {
    const std::string signature =
        settings.secret.empty() ? "" : "sha256=" + hmac_sha256(settings.secret, body);
    HttpRequest request = json_post(settings.url.reveal(), std::move(body));
    request.headers.emplace_back("X-Lectio-Id", id_of(draft.message));
    if (!signature.empty()) {
        request.headers.emplace_back("X-Lectio-Signature", signature);
    }
    request.headers.insert(request.headers.end(), settings.headers.begin(), settings.headers.end());
    request.resolve = draft.address;
    request.timeout = std::min(timeout, settings.timeout);
    return request;
}

} // namespace

std::string webhook::body(const Draft& draft, WallTime sent, const Voice& voice, const std::string& rest) {
    const Message& message = draft.message;
    Json incidents = Json::array();
    for (const Subject& subject : message.subjects) {
        incidents.push_back(json_of(subject));
    }
    const Json json{{"version", 1},
                    {"id", id_of(message)},
                    {"level", to_string(message.level)},
                    {"title", message.title},
                    {"text", text_of(draft, voice.lang, k_most_text, rest)},
                    {"host", message.host},
                    {"key", message.key},
                    {"time", format_utc(message.time)},
                    {"sent", format_utc(sent)},
                    {"maybe_again", draft.maybe_again},
                    {"incidents", std::move(incidents)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Outcome webhook::judge(const HttpAnswer& answer, const std::string& whom) {
    using Kind = Outcome::Kind;
    if (!is_judged(answer)) {
        return outcome_of_failure(answer, whom);
    }
    const int status = answer.status;
    if (status >= 200 && status < 300) {
        Outcome accepted = outcome_of(Kind::accepted, {});
        accepted.address = without_port(answer.address);
        return accepted;
    }
    if (status >= 300 && status < 400) {
        return outcome_of(Kind::channel_refused, say(k_elsewhere, whom, status), say(k_elsewhere_hint));
    }
    switch (status) {
    case 404:
    case 410:
        return outcome_of(Kind::channel_refused, say(k_no_receiver, whom, status), say(k_no_receiver_hint));
    case 401:
    case 403:
    case 407:
        return outcome_of(Kind::channel_refused, say(k_not_allowed, whom, status, said(answer)),
                          say(k_not_allowed_hint));
    case 408:
    case 425:
    case 429: {
        Outcome later = outcome_of(Kind::later, say(k_too_fast, whom, status));
        later.wait = retry_after(answer);
        return later;
    }
    case 502:
    case 504: // a gateway that failed may have passed the request on before
        return outcome_of(Kind::unknown, say(k_trouble, whom, status, said(answer)));
    default:
        break;
    }
    if (status < 500) {
        return outcome_of(Kind::refused, say(k_refused, whom, status, said(answer)));
    }
    Outcome later = outcome_of(Kind::later, say(k_trouble, whom, status, said(answer)));
    later.wait = retry_after(answer);
    return later;
}

Webhook::Webhook(std::string name, WebhookChannel settings, Voice voice, std::string rest)
    : m_name(std::move(name)), m_settings(std::move(settings)), m_voice(std::move(voice)),
      m_rest(std::move(rest)) {}

std::string Webhook::fingerprint() const {
    std::string all = fmt::format("{}\n{}\n", m_settings.url.reveal(), m_settings.secret.reveal());
    for (const auto& [header, value] : m_settings.headers) {
        all += fmt::format("{}: {}\n", header, value);
    }
    return fmt::format("{:016x}", stable_hash(all));
}

Task<Outcome> Webhook::send(World& world, const Draft& draft, Duration timeout) const {
    std::string body = webhook::body(draft, world.clock.now().wall, m_voice, m_rest);
    Fetch fetching = fetch(world.http, request_for(m_settings, draft, std::move(body), timeout));
    const HttpAnswer answer = co_await fetching;
    co_return webhook::judge(answer, peer_of(m_settings.url.reveal()));
}

} // namespace lectio

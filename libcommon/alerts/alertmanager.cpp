#include "alerts/alertmanager.h"

#include "alerts/http_outcome.h"
#include "alerts/message_json.h"
#include "alerts/remarks.h"
#include "incidents/ids.h"
#include "platform/clock.h"
#include "platform/world.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Phrase k_not_there{"{}: no Alertmanager answers there (HTTP {})",
                             "{}: там отвечает не Alertmanager (HTTP {})"};
constexpr Phrase k_not_there_hint{"`url` is its address up to /api/v2, with --web.route-prefix if it has one",
                                  "url — его адрес до /api/v2, вместе с --web.route-prefix, если он задан"};
constexpr Phrase k_not_allowed{"{}: Alertmanager lets nobody in without a password (HTTP {})",
                               "{}: Alertmanager без пароля не пускает (HTTP {})"};
constexpr Phrase k_not_allowed_hint{"put them into `url`: https://user:password@host",
                                    "впишите их в url: https://user:password@host"};
constexpr Phrase k_refused{"{}: Alertmanager refuses the alert: HTTP {} {}",
                           "{}: Alertmanager отверг оповещение: HTTP {} {}"};
constexpr Phrase k_trouble{"{}: Alertmanager is in trouble: HTTP {} {}",
                           "{}: у Alertmanager неполадки: HTTP {} {}"};

// The labels are what Alertmanager knows an alert by: one that differs in any of them is another alert.
Json labels_of(const AlertmanagerChannel& settings, const std::string& host, const std::string& name,
               const std::string& check, Level severity) {
    Json labels = Json::object();
    for (const auto& [label, value] : settings.labels) {
        labels[label] = value;
    }
    const std::size_t slash = std::min(check.find('/'), check.size());
    labels["alertname"] = name;
    labels["severity"] = to_string(severity);
    labels["tool"] = check.substr(0, slash);
    labels["check"] = slash < check.size() ? check.substr(slash + 1) : check;
    labels["host"] = host;
    labels["instance"] = host;
    return labels;
}

Json alert(Json labels, Json annotations, WallTime begins, WallTime ends) {
    return {{"labels", std::move(labels)},
            {"annotations", std::move(annotations)},
            {"startsAt", format_utc(begins)},
            {"endsAt", format_utc(std::max(begins, ends))}};
}

class Alerts {
  public:
    Alerts(const Draft& draft, WallTime now, const AlertmanagerChannel& settings, const Voice& voice,
           const std::string& host, const std::string& rest)
        : m_draft(draft), m_now(now), m_settings(settings), m_host(host),
          m_text(draft.message.title.empty() ? ""
                                             : text_of(draft, voice.lang, alertmanager::k_most_text, rest)) {}

    Json all() {
        for (const Subject& subject : m_draft.still_open) {
            incident(subject);
        }
        for (const Subject& subject : m_draft.message.subjects) {
            incident(subject);
        }
        if (m_draft.message.subjects.empty() && m_draft.still_open.empty()) {
            words();
        }
        return std::move(m_alerts);
    }

  private:
    void incident(const Subject& subject) {
        const auto before = m_draft.told_before.find(identity(subject));
        const bool was_told = before != m_draft.told_before.end();
        if (was_told && before->second != subject.level) {
            // The alert of the other severity is over, whatever follows.
            add(subject, before->second, m_now);
        }
        if (subject.id.empty()) { // a notice: nothing tells its end
            add(subject, subject.level, m_now + alertmanager::k_text_lasts);
        } else if (!is_over(subject.event)) {
            add(subject, subject.level, m_now + alertmanager::k_end_ahead);
        } else if (!was_told) {
            // Begun and over before anything got through: Alertmanager shows it as resolved and tells nobody.
            add(subject, Level::info, m_now);
        }
    }

    void add(const Subject& subject, Level severity, WallTime ends) {
        Json annotations{{"summary", subject.summary},
                         {"description", description(subject)},
                         {"incident", subject.id},
                         {"event", to_string(subject.event)}};
        m_alerts.push_back(alert(labels_of(m_settings, m_host, subject.check, subject.check, severity),
                                 std::move(annotations), std::min(subject.since, m_now), ends));
    }

    // What a message says of one incident it says best in its own words.
    [[nodiscard]] std::string description(const Subject& subject) const {
        return m_draft.message.subjects.size() == 1 && m_draft.still_open.empty() ? m_text : subject.hint;
    }

    // Somebody's own words: nothing tells their end, so they end by themselves.
    void words() {
        const Message& message = m_draft.message;
        const Level severity = message.level == Level::resolved ? Level::info : message.level;
        const std::string name = message.key.empty() ? "notify/send" : "notify/" + message.key;
        Json annotations{{"summary", message.title}, {"description", m_text}};
        m_alerts.push_back(alert(labels_of(m_settings, m_host, name, name, severity), std::move(annotations),
                                 std::min(message.time, m_now), m_now + alertmanager::k_text_lasts));
    }

    const Draft& m_draft;
    WallTime m_now;
    const AlertmanagerChannel& m_settings;
    const std::string& m_host;
    std::string m_text;
    Json m_alerts = Json::array();
};

HttpRequest request_for(const AlertmanagerChannel& settings, const Draft& draft, std::string body,
                        Duration timeout) {
    HttpRequest request = json_post(below(settings.url, "api/v2/alerts"), std::move(body));
    request.resolve = draft.address;
    request.timeout = std::min(timeout, settings.timeout);
    return request;
}

} // namespace

std::string alertmanager::body(const Draft& draft, WallTime now, const AlertmanagerChannel& settings,
                               const Voice& voice, const std::string& host, const std::string& rest) {
    return Alerts(draft, now, settings, voice, host, rest)
        .all()
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Outcome alertmanager::judge(const HttpAnswer& answer, const std::string& whom) {
    using Kind = Outcome::Kind;
    if (!is_judged(answer)) {
        Outcome failed = outcome_of_failure(answer, whom);
        // The same alert told twice is one alert: nothing is doubled by trying again.
        failed.kind = failed.kind == Kind::unknown ? Kind::later : failed.kind;
        return failed;
    }
    const int status = answer.status;
    if (status >= 200 && status < 300) {
        Outcome accepted = outcome_of(Kind::accepted, {});
        accepted.address = without_port(answer.address);
        return accepted;
    }
    if (status == 401 || status == 403) {
        return outcome_of(Kind::channel_refused, say(k_not_allowed, whom, status), say(k_not_allowed_hint));
    }
    if (status == 404 || status == 405 || status == 410 || (status >= 300 && status < 400)) {
        return outcome_of(Kind::channel_refused, say(k_not_there, whom, status), say(k_not_there_hint));
    }
    if (status == 429 || status >= 500) {
        Outcome later = outcome_of(Kind::later, say(k_trouble, whom, status, said(answer)));
        later.wait = retry_after(answer);
        return later;
    }
    return outcome_of(Kind::refused, say(k_refused, whom, status, said(answer)));
}

Alertmanager::Alertmanager(std::string name, AlertmanagerChannel settings, Voice voice, std::string host,
                           std::string rest)
    : m_name(std::move(name)), m_settings(std::move(settings)), m_voice(std::move(voice)),
      m_host(std::move(host)), m_rest(std::move(rest)) {}

std::string Alertmanager::fingerprint() const {
    std::string all = m_settings.url + "\n";
    for (const auto& [label, value] : m_settings.labels) {
        all += fmt::format("{}={}\n", label, value);
    }
    return fmt::format("{:016x}", stable_hash(all));
}

std::optional<Duration> Alertmanager::told_anew_after() const {
    return alertmanager::k_told_anew_after;
}

Task<Outcome> Alertmanager::send(World& world, const Draft& draft, Duration timeout) const {
    const std::string host = m_host.empty() ? draft.message.host : m_host;
    std::string body = alertmanager::body(draft, world.clock.now().wall, m_settings, m_voice, host, m_rest);
    Fetch fetching = fetch(world.http, request_for(m_settings, draft, std::move(body), timeout));
    const HttpAnswer answer = co_await fetching;
    co_return alertmanager::judge(answer, peer_of(m_settings.url));
}

} // namespace lectio

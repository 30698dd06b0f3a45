#include "report/report.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::ordered_json;

double milliseconds(std::chrono::microseconds duration) {
    return static_cast<double>(duration.count()) / 1000.0;
}

std::string safe(std::string_view text) {
    return to_utf8(redact(text));
}

Json optional_text(const std::optional<std::string>& text) {
    return text ? Json(*text) : Json(nullptr);
}

Json json_of(const Metric& metric) {
    Json json{{"name", metric.name}, {"value", metric.value}, {"unit", metric.unit}};
    if (metric.warn) {
        json["warn"] = *metric.warn;
    }
    if (metric.crit) {
        json["crit"] = *metric.crit;
    }
    return json;
}

Json json_of(const std::vector<Finding>& findings, Lang lang) {
    Json json = Json::array();
    for (const Finding& finding : findings) {
        json.push_back({{"status", to_string(finding.status)},
                        {"seen", safe(finding.seen.in(lang))},
                        {"why", safe(finding.why.in(lang))},
                        {"mend", safe(finding.mend.in(lang))}});
    }
    return json;
}

Json json_of(const CheckReport& check, Lang lang) {
    Json metrics = Json::array();
    for (const Metric& metric : check.result.metrics) {
        metrics.push_back(json_of(metric));
    }
    Json json{{"name", check.name},
              {"type", check.type},
              {"status", to_string(check.result.status)},
              {"message", safe(check.result.message.in(lang))},
              {"hint", safe(check.result.hint.in(lang))},
              {"duration_ms", milliseconds(check.duration)},
              {"metrics", std::move(metrics)},
              {"symptom_of", optional_text(check.symptom_of)},
              {"incident", optional_text(check.incident)}};
    if (check.age) {
        json["age_s"] = check.age->count() / 1000;
    }
    if (!check.result.evidence.empty()) {
        json["evidence"] = safe(check.result.evidence);
    }
    if (!check.result.findings.empty()) {
        json["findings"] = json_of(check.result.findings, lang);
    }
    return json;
}

Json json_of(const Deed& deed, Lang lang) {
    return Json{{"name", deed.rung},
                {"action", deed.action},
                {"target", deed.target},
                {"ok", deed.ok},
                {"fixed", deed.fixed},
                {"detail", safe(deed.detail.in(lang))},
                {"duration_ms", static_cast<double>(deed.took.count())}};
}

std::string_view words(IncidentReport::State state) {
    switch (state) {
    case IncidentReport::State::open:
        return "open";
    case IncidentReport::State::acknowledged:
        return "acknowledged";
    case IncidentReport::State::resolved:
        return "resolved";
    }
    return "open";
}

} // namespace

std::string render_json(const Report& report, Lang lang) {
    Json checks = Json::array();
    for (const CheckReport& check : report.checks) {
        checks.push_back(json_of(check, lang));
    }
    Json recovery = Json::array();
    for (const Deed& deed : report.recovery) {
        recovery.push_back(json_of(deed, lang));
    }
    Json incidents = Json::array();
    for (const IncidentReport& incident : report.incidents) {
        incidents.push_back({{"id", incident.id},
                             {"check", incident.check},
                             {"status", to_string(incident.status)},
                             {"state", words(incident.state)},
                             {"since", format_utc(incident.since)},
                             {"flapping", incident.flapping}});
    }
    Json notes = Json::array();
    for (const Text& quiet : report.quiet) {
        notes.push_back(safe(quiet.in(lang)));
    }
    for (const Text& note : report.notes) {
        notes.push_back(safe(note.in(lang)));
    }
    Json json{{"tool", report.tool},
              {"version", k_version},
              {"host", safe(report.host)},
              {"time", format_utc(report.time)},
              {"duration_ms", milliseconds(report.duration)},
              {"status", to_string(report.status)},
              {"exit_code", report.exit_code}};
    if (!report.reason.empty()) {
        json["reason"] = safe(report.reason.in(lang));
    }
    json["notes"] = std::move(notes);
    json["checks"] = std::move(checks);
    json["recovery"] = std::move(recovery);
    json["incidents"] = std::move(incidents);
    json["alerts"] = Json{{"queued", report.alerts.queued},
                          {"sent", report.alerts.sent},
                          {"waiting", report.alerts.waiting},
                          {"rejected", report.alerts.rejected}};
    if (!report.alerts.why_waiting.empty()) {
        json["alerts"]["why_waiting"] = safe(report.alerts.why_waiting.in(lang));
    }
    return json.dump() + '\n';
}

std::string render_json_reason(const std::string& tool, const std::string& host, WallTime time, int exit_code,
                               const std::string& reason) {
    const Json json{{"tool", tool},           {"version", k_version},
                    {"host", safe(host)},     {"time", format_utc(time)},
                    {"exit_code", exit_code}, {"reason", safe(reason)}};
    return json.dump() + '\n';
}

} // namespace lectio

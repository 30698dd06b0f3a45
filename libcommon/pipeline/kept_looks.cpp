#include "pipeline/kept_looks.h"

#include "incidents/rules.h"
#include "platform/clock.h"
#include "store/kept_json.h"
#include "util/by_name.h"
#include "util/json_members.h"
#include "words/span.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// A state file is small: what a check may keep of its own words and figures is bounded.
constexpr std::size_t k_most_looks = 1000;
constexpr std::size_t k_most_metrics = 50;

constexpr Phrase k_with_age{"{} (looked at {} ago)", "{} (проверено {} назад)"};

Json json_of(const Metric& metric) {
    Json json{{"name", metric.name}, {"value", metric.value}};
    if (!metric.unit.empty()) {
        json["unit"] = metric.unit;
    }
    if (metric.warn) {
        json["warn"] = *metric.warn;
    }
    if (metric.crit) {
        json["crit"] = *metric.crit;
    }
    if (metric.bad != Metric::Bad::above) {
        json["bad"] = static_cast<int>(metric.bad);
    }
    return json;
}

std::optional<double> figure(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

std::optional<Metric> metric_of(const Json& json) {
    const std::optional<double> value = json.is_object() ? figure(json, "value") : std::nullopt;
    if (!value) {
        return std::nullopt;
    }
    Metric metric{text_of(json, "name"), *value, text_of(json, "unit"), figure(json, "warn"),
                  figure(json, "crit")};
    constexpr std::array k_sides{Metric::Bad::above, Metric::Bad::below, Metric::Bad::outside};
    const std::int64_t side = integer_of(json, "bad");
    if (side > 0 && side < static_cast<std::int64_t>(k_sides.size())) {
        metric.bad = k_sides[static_cast<std::size_t>(side)];
    }
    return metric;
}

Json json_of(const KeptLook& look) {
    Json metrics = Json::array();
    for (const Metric& metric : look.metrics) {
        if (metrics.size() < k_most_metrics) {
            metrics.push_back(json_of(metric));
        }
    }
    return Json{{"name", look.name},
                {"type", look.type},
                {"status", to_string(look.status)},
                {"message", json_of(look.message)},
                {"hint", json_of(look.hint)},
                {"evidence", look.evidence},
                {"metrics", std::move(metrics)},
                {"seen", json_of(look.seen)},
                {"settings", look.settings_mark}};
}

std::optional<Status> status_of(const std::string& word) {
    for (const Status status : {Status::ok, Status::warning, Status::critical, Status::unknown}) {
        if (to_string(status) == word) {
            return status;
        }
    }
    return std::nullopt;
}

std::optional<KeptLook> look_of(const Json& json) {
    const std::optional<Status> status = status_of(text_of(json, "status"));
    const std::optional<Now> seen = now_of(object_of(json, "seen"));
    KeptLook look{text_of(json, "name"),
                  text_of(json, "type"),
                  Status::unknown,
                  both_of(json, "message"),
                  both_of(json, "hint"),
                  text_of(json, "evidence"),
                  {},
                  {}};
    if (!status || !seen || look.name.empty()) {
        return std::nullopt;
    }
    look.status = *status;
    look.seen = *seen;
    look.settings_mark = text_of(json, "settings");
    if (const auto metrics = json.find("metrics"); metrics != json.end() && metrics->is_array()) {
        for (const Json& row : *metrics) {
            if (std::optional<Metric> metric = metric_of(row)) {
                look.metrics.push_back(std::move(*metric));
            }
        }
    }
    return look;
}

bool is_kept(const CheckPolicy& check) {
    return check.common.every > Duration::zero();
}

KeptLook look_of(const Verdict& verdict, const CheckResult& result, const Now& now,
                 const std::string& settings_mark) {
    return {verdict.name,   verdict.type, verdict.status, verdict.message, verdict.hint, result.evidence,
            result.metrics, now,          settings_mark};
}

Verdict verdict_of(const KeptLook& look, const CheckPolicy& check, const JudgeState& state, Duration age) {
    Verdict verdict;
    verdict.name = look.name;
    verdict.type = look.type;
    verdict.status = look.status;
    verdict.message = say(k_with_age, look.message, span_of(age.count() / 1000));
    verdict.hint = look.hint;
    if (const IncidentState* incident = state.open_incident(look.name)) {
        verdict.incident = incident->id;
    }
    verdict.in_overall = check.common.severity != Severity::info;
    return verdict;
}

CheckReport row_of(const KeptLook& look, const Verdict& verdict, Duration age) {
    CheckReport row;
    row.name = look.name;
    row.type = look.type;
    row.result.status = verdict.status;
    row.result.message = verdict.message;
    row.result.hint = verdict.hint;
    row.result.evidence = look.evidence;
    row.result.metrics = look.metrics;
    row.age = age;
    if (!verdict.incident.empty()) {
        row.incident = verdict.incident;
    }
    return row;
}

} // namespace

std::string to_json(const std::vector<KeptLook>& looks) {
    Json rows = Json::array();
    for (const KeptLook& look : looks) {
        rows.push_back(json_of(look));
    }
    return rows.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<KeptLook> kept_looks_from_json(std::string_view text) {
    std::vector<KeptLook> looks;
    const Json rows = Json::parse(text, nullptr, false);
    if (!rows.is_array()) {
        return looks;
    }
    for (const Json& row : rows) {
        std::optional<KeptLook> look = look_of(row);
        if (look && looks.size() < k_most_looks) {
            looks.push_back(std::move(*look));
        }
    }
    return looks;
}

bool is_out_of_date(const std::vector<KeptLook>& kept, const std::string& name,
                    std::string_view settings_mark, Duration ask_failed_after, const Now& now) {
    const auto look =
        std::find_if(kept.begin(), kept.end(), [&](const KeptLook& one) { return one.name == name; });
    if (look == kept.end()) {
        return false;
    }
    const bool failed_long_ago = look->status != Status::ok && ask_failed_after > Duration::zero() &&
                                 elapsed(look->seen, now) + ask_failed_after / 10 >= ask_failed_after;
    return failed_long_ago || (!settings_mark.empty() && look->settings_mark != settings_mark);
}

void keep_looks(std::vector<KeptLook>& kept, const std::vector<Verdict>& verdicts,
                const std::vector<Observation>& observations, const Policy& policy, const Now& now,
                const std::string& settings_mark) {
    const ByName<Observation> observed(observations);
    const ByName<CheckPolicy> checks(policy.checks);
    for (const Verdict& verdict : verdicts) {
        const Observation* seen = verdict.type == k_self ? nullptr : observed.find(verdict.name);
        const CheckPolicy* check = checks.find(verdict.name);
        if (seen == nullptr || check == nullptr || !is_kept(*check)) {
            continue;
        }
        std::erase_if(kept, [&](const KeptLook& look) { return look.name == verdict.name; });
        if (verdict.status != Status::skipped && kept.size() < k_most_looks) {
            kept.push_back(look_of(verdict, seen->result, now, settings_mark));
        }
    }
    std::erase_if(kept, [&](const KeptLook& look) {
        const CheckPolicy* check = checks.find(look.name);
        return check == nullptr || check->type != look.type || !is_kept(*check);
    });
}

KeptVerdicts kept_verdicts(const std::vector<KeptLook>& kept, const std::vector<Verdict>& of_this_run,
                           const JudgeState& state, const Policy& policy, const Now& now) {
    KeptVerdicts all;
    const ByName<CheckPolicy> checks(policy.checks);
    for (const KeptLook& look : kept) {
        const CheckPolicy* check = checks.find(look.name);
        const bool asked = std::any_of(of_this_run.begin(), of_this_run.end(), [&](const Verdict& verdict) {
            return verdict.name == look.name && verdict.type != k_self;
        });
        if (check == nullptr || check->type != look.type || asked) {
            continue;
        }
        const Duration age = elapsed(look.seen, now);
        all.verdicts.push_back(verdict_of(look, *check, state, age));
        all.rows.push_back(row_of(look, all.verdicts.back(), age));
    }
    return all;
}

} // namespace lectio

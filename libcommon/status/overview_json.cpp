#include "operator/standing_json.h"
#include "status/overview.h"

#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::status {
namespace {

using nlohmann::json;

json moment(const std::optional<WallTime>& time) {
    return time ? json(format_utc(*time)) : json(nullptr);
}

json seconds(const std::optional<WallTime>& of, Duration age) {
    return of ? json(static_cast<double>(age.count()) / 1000) : json(nullptr);
}

template<class T>
json optional(const std::optional<T>& value) {
    return value ? json(*value) : json(nullptr);
}

json json_of(const Day& day) {
    json hours = json::array();
    for (const Hour& hour : day) {
        hours.push_back({{"status", to_string(hour.worst)}, {"value", optional(hour.figure)}});
    }
    return hours;
}

json json_of(const CheckRow& row, Lang lang) {
    json metrics = json::array();
    for (const RecordedMetric& metric : row.metrics) {
        metrics.push_back({{"name", metric.name},
                           {"value", metric.value},
                           {"unit", metric.unit},
                           {"warn", optional(metric.warn)},
                           {"crit", optional(metric.crit)}});
    }
    return {{"tool", row.tool},
            {"name", row.name},
            {"type", row.type},
            {"status", to_string(row.worth())},
            {"message", row.message.in(lang)},
            {"hint", row.hint.in(lang)},
            {"counts", row.severity != Severity::info},
            {"stale", row.stale},
            {"seen", moment(row.seen)},
            {"age_s", seconds(row.seen, row.age)},
            {"metrics", std::move(metrics)},
            {"day", json_of(row.day)}};
}

json json_of(const ToolRow& tool, Lang lang) {
    return {{"name", tool.name},
            {"state", to_string(tool.state)},
            {"finished", moment(tool.finished)},
            {"age_s", seconds(tool.finished, tool.age)},
            {"limit_s", static_cast<double>(tool.limit.count()) / 1000},
            {"detail", tool.trouble.in(lang)}};
}

json json_of(const Deploy& deploy) {
    return {{"id", deploy.id},    {"time", format_utc(deploy.time)}, {"action", deploy.action},
            {"by", deploy.by},    {"result", deploy.result},         {"reason", deploy.reason},
            {"died", deploy.died}};
}

json json_of(const BackupRow& backup, Lang lang) {
    return {{"source", backup.source},          {"status", to_string(backup.status)},
            {"proven", moment(backup.proven)},  {"age_s", seconds(backup.proven, backup.age)},
            {"only_bytes", backup.only_bytes},  {"size", backup.size.count},
            {"detail", backup.trouble.in(lang)}};
}

json json_of(const JobRow& job, Lang lang) {
    return {{"name", job.name},
            {"state", to_string(job.state)},
            {"begun", moment(job.begun)},
            {"ended", moment(job.ended)},
            {"age_s", seconds(job.begun ? job.begun : job.ended, job.age)},
            {"exit_status", job.ended ? json(job.exit_status) : json(nullptr)},
            {"detail", job.detail.in(lang)}};
}

} // namespace

json json_of(const Overview& overview, Lang lang) {
    json object = lectio::json_of(overview.standing, lang);
    if (!overview.tells) {
        object.erase("channels"); // what is not known is not said
    }
    object["status"] = to_string(overview.status());
    json checks = json::array(), tools = json::array(), troubles = json::array(), recoveries = json::array(),
         deploys = json::array(), backups = json::array(), jobs = json::array();
    for (const CheckRow& row : overview.checks) {
        checks.push_back(json_of(row, lang));
    }
    for (const ToolRow& tool : overview.tools) {
        tools.push_back(json_of(tool, lang));
    }
    for (const Gap& trouble : overview.troubles()) {
        troubles.push_back({{"status", to_string(trouble.status)}, {"message", trouble.words.in(lang)}});
    }
    for (const Recovery& each : overview.recoveries) {
        recoveries.push_back({{"time", format_utc(each.time)},
                              {"check", each.check},
                              {"ok", each.ok},
                              {"message", each.words.in(lang)}});
    }
    for (const Deploy& deploy : overview.deploys) {
        deploys.push_back(json_of(deploy));
    }
    for (const BackupRow& backup : overview.backups) {
        backups.push_back(json_of(backup, lang));
    }
    for (const JobRow& job : overview.jobs) {
        jobs.push_back(json_of(job, lang));
    }
    object["jobs"] = std::move(jobs);
    object["checks"] = std::move(checks);
    object["tools"] = std::move(tools);
    object["troubles"] = std::move(troubles);
    object["recovery"] = std::move(recoveries);
    object["deploys"] = std::move(deploys);
    object["backups"] = std::move(backups);
    return object;
}

} // namespace lectio::status

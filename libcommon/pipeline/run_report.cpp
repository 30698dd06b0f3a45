#include "pipeline/run_report.h"

#include "incidents/rules.h"
#include "util/by_name.h"

#include <utility>

namespace lectio {
namespace {

CheckReport row_of(const Verdict& verdict, const ByName<Observation>& observed,
                   const ByName<CheckRun>& runs) {
    const bool is_own = verdict.type == k_self;
    CheckReport row;
    row.name = verdict.name;
    row.type = verdict.type;
    if (const Observation* seen = is_own ? nullptr : observed.find(verdict.name)) {
        row.result = seen->result;
    }
    row.result.status = verdict.status;
    row.result.message = verdict.message;
    row.result.hint = verdict.hint;
    const CheckRun* run = is_own ? nullptr : runs.find(verdict.name);
    row.duration = run != nullptr ? run->duration : std::chrono::microseconds::zero();
    if (!verdict.symptom_of.empty()) {
        row.symptom_of = verdict.symptom_of;
    }
    if (!verdict.incident.empty()) {
        row.incident = verdict.incident;
    }
    return row;
}

} // namespace

std::vector<CheckReport> check_rows(const std::vector<Verdict>& verdicts,
                                    const std::vector<Observation>& observations,
                                    const std::vector<CheckRun>& runs) {
    const ByName<Observation> observed(observations);
    const ByName<CheckRun> ran(runs);
    std::vector<CheckReport> rows;
    rows.reserve(verdicts.size());
    for (const Verdict& verdict : verdicts) {
        rows.push_back(row_of(verdict, observed, ran));
    }
    return rows;
}

CheckReport row_of(const ShelvedCheck& shelved) {
    CheckReport row;
    row.name = shelved.name;
    row.type = shelved.type;
    row.result.status = Status::skipped;
    row.result.message = shelved.reason;
    return row;
}

CheckReport row_of(const LateTrouble& trouble) {
    CheckReport row;
    row.name = trouble.name;
    row.type = k_self;
    row.result.status = trouble.status;
    row.result.message = trouble.message;
    row.result.hint = trouble.hint;
    return row;
}

std::vector<IncidentReport> incident_rows(const JudgeState& state) {
    std::vector<IncidentReport> rows;
    for (const IncidentState& incident : state.incidents) {
        IncidentReport row;
        row.id = incident.id;
        row.check = incident.check;
        row.status = incident.level;
        row.since = incident.since.wall;
        row.flapping = incident.flapping;
        if (incident.ended) {
            row.state = IncidentReport::State::resolved;
        } else if (incident.acknowledged) {
            row.state = IncidentReport::State::acknowledged;
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace lectio

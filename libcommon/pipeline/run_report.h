// The rows of a run's report, made of what was judged and seen.
#pragma once

#include "checks/runner.h"
#include "incidents/judge.h"
#include "pipeline/pipeline.h"
#include "report/report.h"

#include <string>
#include <vector>

namespace lectio {

// What the suite found out of itself after judging: shown in this run's report; told by the next run, which finds it
// from the start: what is wrong with a channel or the disk lasts.
struct LateTrouble {
    std::string name;
    Status status = Status::warning;
    Text message, hint;
};

// One for each verdict, in its order: the last look at it, as it was judged.
std::vector<CheckReport> check_rows(const std::vector<Verdict>& verdicts,
                                    const std::vector<Observation>& observations,
                                    const std::vector<CheckRun>& runs);
CheckReport row_of(const ShelvedCheck& shelved);
CheckReport row_of(const LateTrouble& trouble);
std::vector<IncidentReport> incident_rows(const JudgeState& state);

} // namespace lectio

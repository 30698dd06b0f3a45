// What of a run goes into the history: enough to show it, and to have it judged again (store/history.h).
#pragma once

#include "checks/runner.h"
#include "incidents/judge.h"
#include "store/history.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

// What there is to record, as the pipeline has it at the end of a run.
struct RunToRecord {
    const Policy& policy;
    const RunFacts& facts; // its observations: the last look at each check
    const std::map<std::string, CheckResult>&
        before_healing;                // the first, of those that were asked again since
    const std::vector<CheckRun>& runs; // for the durations
    const Judgement& judgement;
    const std::vector<Deed>& deeds;
    const std::vector<NewsItem>& told; // what counts as told by this run
};

// Without tool, times, exit code and whether the run was partial: the caller knows those.
RecordedRun record_of(const RunToRecord& run);

} // namespace lectio

// What a check with `every` said when it was last asked. It counts until it is asked again: shown with its age, in
// every form of the report.
#pragma once

#include "incidents/judge.h"
#include "report/report.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct KeptLook {
    std::string name, type;
    Status status = Status::unknown; // `severity` applied
    Text message, hint;
    std::string evidence;
    std::vector<Metric> metrics;
    Now seen;
    std::string settings_mark = {}; // Job::settings_mark of then
};

// Whether what this check said then is to be asked anew before its `every` is over.
bool is_out_of_date(const std::vector<KeptLook>& kept, const std::string& name,
                    std::string_view settings_mark, Duration ask_failed_after, const Now& now);

std::string to_json(const std::vector<KeptLook>& looks);
// Tolerant: what is odd is left out, its check is shown again once it is asked.
std::vector<KeptLook> kept_looks_from_json(std::string_view text);

// Takes this run's looks at checks with `every` over; what the policy no longer has, or has as another type, is
// forgotten. What was skipped was not looked at and is not kept.
void keep_looks(std::vector<KeptLook>& kept, const std::vector<Verdict>& verdicts,
                const std::vector<Observation>& observations, const Policy& policy, const Now& now,
                const std::string& settings_mark = {});

// Those that this run has not asked, as if it had: a verdict whose message says how old it is.
struct KeptVerdicts {
    std::vector<Verdict> verdicts;
    std::vector<CheckReport> rows; // in the same order
};
KeptVerdicts kept_verdicts(const std::vector<KeptLook>& kept, const std::vector<Verdict>& of_this_run,
                           const JudgeState& state, const Policy& policy, const Now& now);

} // namespace lectio

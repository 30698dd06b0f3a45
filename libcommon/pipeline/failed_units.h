// A unit that fell is told by the check that looks at it: the configured one, or the one that is made once lectio-notify
// has told of the fall. "No unit has failed" does not tell it a second time.
#pragma once

#include "incidents/judge.h"

#include <map>
#include <set>
#include <string>

namespace lectio {

// Pure. Where all that failed is looked at by checks of its own, the failure becomes their symptom (by the check's
// `needs`, for this run); where a part is, only the rest is spoken of. `checks`: unit → its check. `just_told`: units
// whose check is made in the next run; until then there is nothing to be a symptom of, so the look does not count.
void leave_to_own_checks(CheckPolicy& policy, CheckResult& seen,
                         const std::map<std::string, std::string>& checks,
                         const std::set<std::string>& just_told);

} // namespace lectio

// What one thing has broken is one incident: of the failures of a walk those that are another one's consequence, or the
// same seen elsewhere, are skipped, and the one that stands for them names them (docs/decisions/0022-the-walk.md).
#pragma once

#include "config/smoke.h"
#include "incidents/judge.h"
#include "smoke/smoke_checks.h"

#include <vector>

namespace lectio {

// After the second look. `trip`: the walks in which `seen` was seen.
//
// - what failed and could not be asked again, because what it needs has failed by then: the site, or its application,
//   died in the middle of the walk;
// - steps that an account may not do because it has another role: the account, a warning;
// - server errors at the same path; of the way behind a proxy (502, 504); of a locked SQLite database; of every login.
void join_common_roots(std::vector<Observation>& seen, const SmokeSettings& smoke, const Trip& trip);

} // namespace lectio

// What the checks of hardening have in common: each gathers findings, the worst of them makes its result, and
// `lectio-deepcheck audit` shows every one of them with why it matters and the line that mends it.
#pragma once

#include "checks/check.h"

#include <vector>

namespace lectio {

// Of the worst finding its words and its line; the others are named as far as there is room, then counted. Without a
// finding: ok, `all_well`. A person mends what is found here: no restart does (Remedy::cannot_help).
CheckResult result_of(std::vector<Finding> findings, Text all_well);

} // namespace lectio

// Every type of check failing in each of its ways, as evaluate_…() says it: what the messages of lectio-health are about.
#pragma once

#include "checks/check.h"

#include <string>
#include <vector>

namespace lectio {

struct FailingCheck {
    std::string type; // of checks/all_checks.h
    std::string what; // fails, in a word or two
    CheckResult result;
};
// In the order of the types. Made-up figures, nothing is looked at.
std::vector<FailingCheck> failing_checks();

} // namespace lectio

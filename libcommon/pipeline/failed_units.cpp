#include "pipeline/failed_units.h"

#include "checks/systemd.h"

#include <algorithm>
#include <vector>

namespace lectio {

void leave_to_own_checks(CheckPolicy& policy, CheckResult& seen,
                         const std::map<std::string, std::string>& checks,
                         const std::set<std::string>& just_told) {
    const std::vector<std::string> failed = failed_units_of(seen);
    std::vector<std::string> others, roots;
    for (const std::string& unit : failed) {
        if (const auto own = checks.find(unit); own != checks.end()) {
            roots.push_back(own->second);
        } else if (!just_told.contains(unit)) {
            others.push_back(unit);
        }
    }
    if (others.size() == failed.size()) {
        return;
    }
    if (!others.empty()) {
        seen = evaluate_failed_units(others);
    } else if (roots.empty()) {
        seen.status = Status::skipped;
    } else {
        std::vector<std::string>& needs = policy.common.needs;
        needs.insert(needs.end(), roots.begin(), roots.end());
    }
}

} // namespace lectio

#include "checks/findings.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace lectio {
namespace {

constexpr std::size_t k_shown = 3; // a message is read on a phone; the audit shows them all
constexpr Phrase k_and_more{"{}; and {} more (all: sudo lectio-deepcheck audit)",
                            "{}; и ещё {} (все: sudo lectio-deepcheck audit)"};

Text words_of(const std::vector<Finding>& findings) {
    Text words = findings.front().seen;
    for (std::size_t i = 1; i < std::min(findings.size(), k_shown); ++i) {
        words = join("; ", {words, findings[i].seen});
    }
    return findings.size() > k_shown ? say(k_and_more, words, findings.size() - k_shown) : words;
}

bool is_worse(const Finding& a, const Finding& b) {
    return a.status != b.status && worst(a.status, b.status) == a.status;
}

} // namespace

CheckResult result_of(std::vector<Finding> findings, Text all_well) {
    CheckResult result;
    result.metrics.push_back({"findings", static_cast<double>(findings.size()), "", {}, {}});
    result.status = Status::ok;
    result.message = std::move(all_well);
    if (!findings.empty()) {
        std::stable_sort(findings.begin(), findings.end(), is_worse);
        result.status = findings.front().status;
        result.message = words_of(findings);
        result.hint = findings.front().mend;
        result.remedy = Remedy::cannot_help;
    }
    result.findings = std::move(findings);
    return result;
}

} // namespace lectio

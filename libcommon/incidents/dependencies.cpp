#include "incidents/dependencies.h"

#include "incidents/rules.h"

#include <algorithm>

namespace lectio {
namespace {

// What --only leaves out is known from the run before, if that was a moment ago (CONTRACT 18).
constexpr Duration k_fresh = std::chrono::minutes(3);

using Index = std::map<std::string_view, const CheckPolicy*>;

int weight(Status status, Severity severity) {
    switch (status) {
    case Status::critical:
        return 3;
    case Status::warning:
        return severity == Severity::info ? 1 : 2;
    case Status::ok:
    case Status::unknown:
    case Status::skipped:
        break;
    }
    return 0;
}

// How badly a check fails in this run; 0: as far as we know it does not.
int failing(const JudgeState& state, const CheckPolicy& check, bool observed, const Now& now) {
    const auto found = state.checks.find(check.name);
    if (found == state.checks.end()) {
        return 0;
    }
    const CheckState& seen = found->second;
    const Severity severity = check.common.severity;
    const IncidentState* incident = state.open_incident(check.name);
    // An incident lasts until it is proven to be over. An unsteady one is over whenever its check passes,
    // because otherwise it would hide its dependents for as long as it is unsteady.
    const bool lasts = incident != nullptr && !incident->flapping && !is_over(seen, check.common);
    const int by_incident = lasts ? weight(incident->level, severity) : 0;
    if (observed && is_known(seen.status)) {
        return std::max(weight(seen.status, severity), by_incident);
    }
    const bool fresh = elapsed(seen.known_at, now) <= k_fresh + check.common.every;
    if (observed) { // unknown or skipped suppresses nothing of its own
        return fresh && seen.status == Status::unknown ? by_incident : 0;
    }
    return fresh ? std::max(weight(seen.known, severity), by_incident) : 0;
}

// All that `check` needs, directly or through others, without itself.
std::set<std::string_view> needed_by(std::string_view check, const Index& index) {
    std::set<std::string_view> all;
    std::vector<std::string_view> open{check};
    while (!open.empty()) {
        const auto found = index.find(open.back());
        open.pop_back();
        if (found == index.end()) {
            continue; // of another tool, or not configured
        }
        for (const std::string& need : found->second->common.needs) {
            if (need != check && all.insert(need).second) {
                open.push_back(need);
            }
        }
    }
    return all;
}

// The same, worked out once for each check: every pair of failing checks asks for it.
class Needs {
  public:
    explicit Needs(const Index& index) : m_index(index) {}

    const std::set<std::string_view>& of(std::string_view check) {
        const auto known = m_known.find(check);
        return known != m_known.end() ? known->second
                                      : m_known.emplace(check, needed_by(check, m_index)).first->second;
    }

  private:
    const Index& m_index;
    std::map<std::string_view, std::set<std::string_view>> m_known; // its sets stay where they are
};

} // namespace

std::map<std::string, std::string> find_roots(const JudgeState& state, const Policy& policy,
                                              const std::set<std::string>& observed, const Now& now) {
    Index index;
    std::map<std::string_view, int> broken;
    for (const CheckPolicy& check : policy.checks) {
        index.emplace(check.name, &check);
        if (const int how_badly = failing(state, check, observed.contains(check.name), now); how_badly > 0) {
            broken.emplace(check.name, how_badly);
        }
    }
    // Failing things that a failing check needs; circles are left out.
    std::map<std::string_view, std::set<std::string_view>> causes;
    Needs needs(index);
    for (const auto& [name, how_badly] : broken) {
        for (const std::string_view need : needs.of(name)) {
            const auto root = broken.find(need);
            if (root != broken.end() && root->second >= how_badly && !needs.of(need).contains(name)) {
                causes[name].insert(need);
            }
        }
    }
    std::map<std::string, std::string> roots;
    for (const CheckPolicy& check : policy.checks) {
        const auto found = causes.find(check.name);
        if (found == causes.end() || !observed.contains(check.name)) {
            continue;
        }
        const CheckPolicy* root = nullptr;
        for (const CheckPolicy& candidate : policy.checks) { // in their order, so that equals stay in it
            const bool is_root = found->second.contains(candidate.name) && !causes.contains(candidate.name);
            if (is_root && (root == nullptr || candidate.layer < root->layer)) {
                root = &candidate;
            }
        }
        if (root != nullptr) {
            roots.emplace(check.name, root->name);
        }
    }
    return roots;
}

} // namespace lectio

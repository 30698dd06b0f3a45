#include "pipeline/configured_checks.h"

#include "checks/all_checks.h"
#include "checks/growth.h"
#include "incidents/rules.h"
#include "pipeline/common_job.h"
#include "pipeline/policy.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_too_many{"more than {} checks: this and what follows it in the file is not checked",
                            "проверок больше {}: эта и те, что ниже в файле, не выполняются"};
constexpr Phrase k_not_set{"not checked: {}", "не проверяется: {}"};

// More than the state keeps; said once, by the first of them.
void shelve_too_many(Job& job, const CheckSettings& check) {
    const std::string cause = "too-many-checks";
    const bool said = std::any_of(job.notices.begin(), job.notices.end(),
                                  [&](const SelfNotice& notice) { return notice.cause == cause; });
    const Text words = say(k_too_many, k_most_checks);
    if (!said) {
        job.notices.push_back(config_notice(cause, join(": ", {verbatim(check.name), words}), {}));
    }
    job.shelved.push_back({check.name, check.type, words});
}

// Some look at what the rest of the configuration is about.
std::shared_ptr<const void> settings_of(const CheckSettings& check, const std::string& tool,
                                        const std::vector<CheckSettings>& checks, const Config& config,
                                        const std::shared_ptr<const Deploys>& deploys) {
    if (check.type == k_growth_type) {
        return configured_growth(check, checks);
    }
    return check.type == k_drift_type ? configured_drift(check, tool, checks, config, deploys)
                                      : check.settings;
}

} // namespace

void add_configured_checks(Job& job, const std::vector<CheckSettings>& checks, const Config& config,
                           const std::shared_ptr<const Deploys>& deploys) {
    for (const CheckSettings& check : checks) {
        if (!check.common.enabled) {
            continue;
        }
        const CheckType* type = find_check_type(check.type);
        if (type == nullptr) {
            continue; // no configuration has been read with it
        }
        if (!check.unset.empty()) {
            job.shelved.push_back(
                {check.name, check.type, say(k_not_set, unset_words(check.unset, config.wrong_variables))});
            continue;
        }
        if (job.checks.size() >= k_most_checks) {
            shelve_too_many(job, check);
            continue;
        }
        const std::shared_ptr<const void> settings =
            settings_of(check, job.short_name, checks, config, deploys);
        job.checks.push_back({policy_of(check, *type, job.short_name, config), type->make(settings.get())});
    }
}

} // namespace lectio

#include "pipeline/configured_checks.h"

#include "checks/all_checks.h"
#include "checks/growth.h"
#include "incidents/rules.h"
#include "pipeline/common_job.h"
#include "pipeline/policy.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_not_built{"this type of check is not built yet: ignored",
                             "такой проверки пока нет: пропускается"};
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

} // namespace

void add_configured_checks(Job& job, const std::vector<CheckSettings>& checks, const Config& config) {
    for (const CheckSettings& check : checks) {
        if (!check.common.enabled) {
            continue;
        }
        const CheckType* type = check.later ? nullptr : find_check_type(check.type);
        if (type == nullptr) {
            job.shelved.push_back({check.name, check.type, say(k_not_built)});
            continue;
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
            type->name == k_growth_type ? configured_growth(check, checks) : check.settings;
        job.checks.push_back({policy_of(check, *type, job.short_name, config), type->make(settings.get())});
    }
}

} // namespace lectio

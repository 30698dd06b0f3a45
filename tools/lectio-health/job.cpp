#include "job.h"

#include "checks/all_checks.h"
#include "checks/systemd.h"
#include "pipeline/common_job.h"
#include "pipeline/configured_checks.h"
#include "recovery/all_actions.h"
#include "release/known_deploys.h"
#include "release/last_good.h"

#include <algorithm>

namespace lectio::health {
namespace {

// What fell and is configured nowhere is looked at like the others.
JobCheck check_of_unit(const std::string& name, const std::string& unit) {
    const CheckType* type = find_check_type("systemd");
    SystemdSettings settings;
    settings.unit = unit;
    settings.only_as_it_fell = true;
    return {CheckPolicy{name, std::string(type->name), type->layer, type->recheck, CheckCommon{}},
            type->make(&settings)};
}

void add_units(Job& job, const Config& config) {
    for (const CheckSettings& check : config.health.checks) {
        if (check.type != "systemd") {
            continue;
        }
        const bool is_checked = std::any_of(job.checks.begin(), job.checks.end(),
                                            [&](const JobCheck& it) { return it.policy.name == check.name; });
        if (is_checked) {
            const std::string unit = unit_of(*static_cast<const SystemdSettings*>(check.settings.get()));
            if (!unit.empty()) {
                job.unit_checks.emplace(unit, check.name);
            }
        }
    }
    job.check_of_unit = check_of_unit;
}

void add_ladder(Job& job, const Config& config) {
    for (const RungSettings& rung : config.health.recovery) {
        const ActionType* type = find_action_type(rung.action);
        if (type != nullptr && rung.unset.empty()) {
            job.ladder.push_back({rung.name, rung.when, rung.action, type->disruptive, rung.settle,
                                  type->make(rung.settings.get())});
        }
    }
    const LimitSettings& limits = config.health.limits;
    job.limits = {limits.attempts, limits.cooldown, limits.waits, limits.per_hour};
}

bool goes_back(const Rung& rung) {
    return rung.action == "rollback" || rung.action == "restore-frontend";
}

} // namespace

Job make_job(const LoadedConfig& loaded, World& world) {
    const Config& config = loaded.config;
    Job job = common_job(loaded, world, "health");
    job.deadline = config.health.deadline;
    job.second_look = Job::SecondLook::beside;
    job.notes.insert(job.notes.begin(), config.assumed.begin(), config.assumed.end());
    add_configured_checks(job, config.health.checks, config, release::known_deploys(config));
    add_units(job, config);
    add_ladder(job, config);
    if (std::any_of(job.ladder.begin(), job.ladder.end(), goes_back)) {
        job.way_back = release::last_good_release(loaded);
    }
    add_configuration_notices(job, loaded);
    return job;
}

} // namespace lectio::health

#include "job.h"

#include "cli/known_kinds.h"
#include "pipeline/common_job.h"
#include "pipeline/configured_checks.h"
#include "platform/environment.h"
#include "release/known_deploys.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio::deepcheck {
namespace {

constexpr Phrase k_nothing{"nothing is looked at: the configuration has no [deepcheck.check.NAME]",
                           "смотреть не на что: в настройках нет ни одного [deepcheck.check.ИМЯ]"};
constexpr Phrase k_nothing_hint{
    "write down what is to be looked at, or take lectio-deepcheck out of the crontab",
    "опишите, за чем следить, или уберите lectio-deepcheck из crontab"};

constexpr Phrase k_no_audit{"there is nothing to audit: the configuration has no check of hardening",
                            "проверять нечего: в настройках нет ни одной проверки защиты"};
constexpr Phrase k_no_audit_hint{"add some of [deepcheck.check.NAME] with type = {}",
                                 "добавьте [deepcheck.check.ИМЯ] с type = {}"};

constexpr Phrase k_wrong_profile{"the profile is wrong: {}", "ошибка в профиле: {}"};

// What is mended is not told as broken for the rest of a day (docs/decisions/0025).
constexpr Duration k_ask_failed_after = std::chrono::hours(1);

// The checks that gather findings (checks/findings.h), and those of what an audit has found beside: keys that never
// expire, a pool of two connections, a background job that died.
constexpr std::array<std::string_view, 10> k_hardening{"cmdline", "containers", "freshness", "headers",
                                                       "nginx",   "ports",      "postgres",  "reboot",
                                                       "redis",   "secrets"};

bool is_hardening(const CheckSettings& check) {
    return std::find(k_hardening.begin(), k_hardening.end(), check.type) != k_hardening.end();
}

LoadedConfig load_profile(World& world, const Path& file) {
    ConfigRequest request;
    request.file = file.string();
    request.environment = environment_variable;
    request.kinds = known_kinds();
    return load_config(world, request, LastGood::never);
}

struct NothingToDo {
    Text words, hint;
};

Job job_of(const LoadedConfig& loaded, World& world, const std::vector<CheckSettings>& checks,
           const NothingToDo& nothing) {
    Job job = common_job(loaded, world, "deepcheck");
    job.deadline = loaded.config.deepcheck.deadline;
    job.settings_mark = loaded.fingerprint;
    job.ask_failed_after = k_ask_failed_after;
    add_configured_checks(job, checks, loaded.config, release::known_deploys(loaded.config));
    add_configuration_notices(job, loaded);
    if (job.checks.empty() && job.shelved.empty() && loaded.use != LoadedConfig::Use::telling) {
        job.notices.push_back(config_notice("no-checks", nothing.words, nothing.hint));
    }
    return job;
}

} // namespace

Job make_job(const LoadedConfig& loaded, World& world) {
    return job_of(loaded, world, loaded.config.deepcheck.checks, {say(k_nothing), say(k_nothing_hint)});
}

Job make_audit(const LoadedConfig& loaded, World& world, const Path& profile) {
    std::vector<CheckSettings> checks = loaded.config.deepcheck.checks;
    LoadedConfig expected;
    if (!profile.empty()) {
        expected = load_profile(world, profile);
        for (CheckSettings& check : expected.config.deepcheck.checks) {
            const bool is_own = std::any_of(checks.begin(), checks.end(),
                                            [&](const CheckSettings& own) { return own.name == check.name; });
            if (!is_own) {
                checks.push_back(std::move(check));
            }
        }
    }
    std::erase_if(checks, [](const CheckSettings& check) { return !is_hardening(check); });
    const Text hint = say(k_no_audit_hint, fmt::format("{}", fmt::join(k_hardening, " | ")));
    Job job = job_of(loaded, world, checks, {say(k_no_audit), hint});
    if (!profile.empty() && !expected.ok()) {
        job.wrong_configuration = verbatim(trim(problem_lines(expected).en));
        job.wrong_configuration.ru = trim(problem_lines(expected).ru);
        job.notices.push_back(config_notice("profile", say(k_wrong_profile, job.wrong_configuration), {}));
    }
    return job;
}

} // namespace lectio::deepcheck

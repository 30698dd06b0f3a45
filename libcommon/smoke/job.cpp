#include "smoke/job.h"

#include "checks/runner.h"
#include "incidents/rules.h"
#include "pipeline/common_job.h"
#include "pipeline/policy.h"
#include "platform/clock.h"
#include "platform/stop.h"
#include "smoke/common_roots.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace lectio::smoke {
namespace {

// After a signal a run has less than a second (platform/stop.h).
constexpr Duration k_clean_up_after_signal{500};
constexpr Duration k_longest_clean_up{3'000};

constexpr Phrase k_not_set{"not asked: {}", "не спрашивается: {}"};
constexpr Phrase k_off{"not asked: {} is switched off", "не спрашивается: {} отключено"};
constexpr Phrase k_behind{"not asked: {} is not asked either", "не спрашивается: {} тоже не спрашивается"};
constexpr Phrase k_nothing{"nothing is asked: the configuration has no [[smoke.step]]",
                           "спрашивать нечего: в настройках нет ни одного [[smoke.step]]"};
constexpr Phrase k_nothing_hint{
    "write down what the site's users do, or take lectio-smoke out of the crontab",
    "опишите, что делают пользователи сайта, или уберите lectio-smoke из crontab"};
constexpr Phrase k_no_site{"SITE_URL is not set in {}, and there is no config.toml: nothing is asked",
                           "SITE_URL не задан в {}, а config.toml нет: спрашивать нечего"};
constexpr Phrase k_no_site_hint{"set SITE_URL there, or write a config.toml",
                                "задайте там SITE_URL или напишите config.toml"};
constexpr Phrase k_no_account{"{} is not set in {}: nothing is asked as {}",
                              "{} не задана в {}: под учётной записью {} ничего не спрашивается"};
constexpr Phrase k_no_account_hint{"this makes the account and its password: sudo lectio-smoke setup-users",
                                   "учётную запись и пароль создаст: sudo lectio-smoke setup-users"};
constexpr Phrase k_too_many{"more than {} logins and steps: {} and what follows in the file is not asked",
                            "входов и шагов больше {}: {} и те, что ниже в файле, не спрашиваются"};

// Why they are not asked, by name; switched off by hand is no row of the report, but stops what needs it.
class Shelf {
  public:
    explicit Shelf(const Config& config) : m_config(config) {
        for (const LoginSettings& login : config.smoke.logins) {
            shelve(check_of_login(login.name), login.common, login.unset);
        }
        for (const StepSettings& step : config.smoke.steps) {
            shelve(step.name, step.common, step.unset);
        }
        while (shelve_what_needs_them()) {
        }
    }

    // nullptr: it is asked.
    [[nodiscard]] const Text* reason(const std::string& name) const {
        const auto found = m_reasons.find(name);
        return found == m_reasons.end() ? nullptr : &found->second;
    }

  private:
    void shelve(const std::string& name, const CheckCommon& common, const std::vector<std::string>& unset) {
        if (!common.enabled) {
            m_reasons[name] = {};
        } else if (!unset.empty()) {
            m_reasons[name] = say(k_not_set, unset_words(unset, m_config.wrong_variables));
        }
    }

    bool shelve_what_needs_them() {
        bool more = false;
        for (const auto& [name, order] : order_of(m_config.smoke)) {
            for (const std::string& need : order.needs) {
                if (m_reasons.contains(need) && !m_reasons.contains(name)) {
                    m_reasons[name] = m_reasons[need].empty() ? say(k_off, need) : say(k_behind, need);
                    more = true;
                }
            }
        }
        return more;
    }

    const Config& m_config;
    std::map<std::string, Text> m_reasons;
};

void add_checks(Job& job, const Config& config, const std::shared_ptr<Trip>& trip) {
    const Shelf shelf(config);
    for (CheckPolicy& policy : smoke_policies(config)) {
        const std::string name = policy.name;
        if (const Text* reason = shelf.reason(name)) {
            job.shelved.push_back({name, policy.type, *reason});
            continue;
        }
        if (job.checks.size() >= k_most_checks) {
            job.notices.push_back(config_notice("too-many-checks", say(k_too_many, k_most_checks, name), {}));
            break;
        }
        job.checks.push_back({std::move(policy), smoke_check(trip, name)});
    }
    if (job.checks.size() == 1) {
        job.checks.clear(); // the connection alone is not what is to be looked at
    }
}

// What smoke_check_v2.sh passed over in silence (config/legacy_env.h).
void add_notices_of_env_file(Job& job, const Config& config) {
    if (config.source != Config::Source::config_env) {
        return;
    }
    if (config.smoke.steps.empty()) {
        job.wrong_configuration = say(k_no_site, config.file);
        job.notices.push_back(config_notice("no-site", job.wrong_configuration, say(k_no_site_hint)));
    }
    for (const LoginSettings& login : config.smoke.logins) {
        if (!login.unset.empty()) {
            job.notices.push_back(config_notice(
                "no-account-" + login.name,
                say(k_no_account, fmt::format("{}", fmt::join(login.unset, ", ")), config.file, login.name),
                say(k_no_account_hint)));
        }
    }
}

// What a walk that was cut short has made must not stay on the site.
void clean_up(Trip& trip, const SmokeSettings& smoke, World world, std::vector<Observation>& seen) {
    const Duration most =
        stop_requested() ? k_clean_up_after_signal : std::min(k_longest_clean_up, smoke.deadline / 4);
    if (!trip.clean_up(world, world.clock.steady() + most)) {
        return;
    }
    for (Observation& each : seen) {
        const bool cleans =
            std::any_of(smoke.steps.begin(), smoke.steps.end(),
                        [&](const StepSettings& step) { return step.always && step.name == each.name; });
        const std::optional<CheckResult> now =
            cleans && each.result.status == Status::unknown ? trip.last_result(each.name) : std::nullopt;
        each.result = now ? *now : each.result;
    }
}

} // namespace

Job make_job(const LoadedConfig& loaded, World& world, const std::shared_ptr<Trip>& trip) {
    const Config& config = loaded.config;
    Job job = common_job(loaded, world, "smoke");
    job.deadline = config.smoke.deadline;
    job.begin = Job::Begin::in_order; // of the steps: a walk is the same each time
    add_checks(job, config, trip);
    job.join = [trip, smoke = config.smoke, world](std::vector<Observation>& seen) {
        clean_up(*trip, smoke, world, seen);
        join_common_roots(seen, smoke, *trip);
        for (Observation& each : seen) {
            redact_all(each.result); // some is of the walks themselves
        }
    };
    add_configuration_notices(job, loaded);
    add_notices_of_env_file(job, config);
    const bool is_silent = job.checks.empty() && job.shelved.empty();
    if (is_silent && loaded.use != LoadedConfig::Use::telling &&
        config.source != Config::Source::config_env) {
        job.notices.push_back(config_notice("no-steps", say(k_nothing), say(k_nothing_hint)));
    }
    return job;
}

} // namespace lectio::smoke

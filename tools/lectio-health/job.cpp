#include "job.h"

#include "alerts/channels.h"
#include "checks/all_checks.h"
#include "incidents/rules.h"
#include "platform/host.h"
#include "recovery/all_actions.h"
#include "report/prometheus.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

namespace lectio::health {
namespace {

constexpr Phrase k_not_built{"this type of check is not built yet: ignored",
                             "такой проверки пока нет: пропускается"};
constexpr Phrase k_too_many{"more than {} checks: this and what follows it in the file is not checked",
                            "проверок больше {}: эта и те, что ниже в файле, не выполняются"};
constexpr Phrase k_no_channel{
    "no alert channel is configured: nobody is told of failures; [channel.errors] in the configuration sets "
    "one up",
    "канал оповещений не настроен: о сбоях никто не узнает; его задаёт раздел [channel.errors] в настройках"};
constexpr Phrase k_not_set{"not checked: {}", "не проверяется: {}"};
constexpr Phrase k_wrong{"the configuration is wrong; the last good one is in use. {}",
                         "ошибка в настройках; работаем с последними верными. {}"};
constexpr Phrase k_nothing_good{
    "the configuration is wrong and there is no last good one: nothing is checked. {}",
    "ошибка в настройках, а последних верных нет: ничего не проверяется. {}"};
constexpr Phrase k_wrong_hint{"lectio-health --check-config names every problem",
                              "все ошибки назовёт lectio-health --check-config"};
constexpr Phrase k_gone_hint{"put it back: cp {0} {1}; if it is to be gone, remove {0}, too",
                             "верните файл: cp {0} {1}; если он больше не нужен, удалите и {0}"};

LogLevel level_of(LogSettings::Level level) {
    switch (level) {
    case LogSettings::Level::debug:
        return LogLevel::debug;
    case LogSettings::Level::info:
        return LogLevel::info;
    case LogSettings::Level::warn:
        return LogLevel::warn;
    case LogSettings::Level::error:
        return LogLevel::error;
    }
    return LogLevel::info;
}

SelfNotice config_notice(std::string cause, Text message, Text hint) {
    SelfNotice notice;
    notice.name = "config";
    notice.cause = std::move(cause);
    notice.message = std::move(message);
    notice.hint = std::move(hint);
    return notice;
}

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

void add_checks(Job& job, const Config& config) {
    for (const CheckSettings& check : config.health.checks) {
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
        CheckPolicy policy{check.name, check.type, type->layer, type->recheck, check.common};
        job.checks.push_back({std::move(policy), type->make(check.settings.get())});
    }
}

void add_ladder(Job& job, const Config& config) {
    for (const RungSettings& rung : config.health.recovery) {
        const ActionType* type = rung.later ? nullptr : find_action_type(rung.action);
        if (type != nullptr && rung.unset.empty()) {
            job.ladder.push_back({rung.name, rung.when, rung.action, type->disruptive, rung.settle,
                                  type->make(rung.settings.get())});
        }
    }
    const LimitSettings& limits = config.health.limits;
    job.limits = {limits.attempts, limits.cooldown, limits.waits, limits.per_hour};
}

// The first error leads: a warning above it in the file is not why nothing loads.
Text first_error(const LoadedConfig& loaded) {
    const std::vector<Problem>& problems = loaded.problems.all();
    const auto error = std::find_if(problems.begin(), problems.end(), [](const Problem& problem) {
        return problem.severity == Problem::Severity::error;
    });
    const auto index = static_cast<std::size_t>(error - problems.begin());
    const auto line = [&](std::string_view text) {
        const std::vector<std::string_view> lines = split_lines(text); // one for each problem
        return std::string(index < lines.size() ? lines[index] : trim(text));
    };
    const Text text = problem_lines(loaded);
    return {line(text.en), line(text.ru)};
}

void add_notices(Job& job, const LoadedConfig& loaded) {
    for (const Config::Note& note : loaded.config.notes) {
        job.notices.push_back(config_notice(note.message.en, note.message, note.hint));
    }
    if (loaded.ok()) {
        return;
    }
    const bool last_good = loaded.use == LoadedConfig::Use::last_good;
    const Text words = say(last_good ? k_wrong : k_nothing_good, first_error(loaded));
    job.wrong_configuration = words;
    const Text hint = loaded.copy_of_gone.empty()
                          ? say(k_wrong_hint)
                          : say(k_gone_hint, loaded.copy_of_gone.string(), loaded.file);
    job.notices.push_back(config_notice(loaded.fingerprint, words, hint));
    if (!last_good) { // not one look at the site: no milder than the worst that it could be
        job.notices.back().status = Status::critical;
    }
}

} // namespace

Job make_job(const LoadedConfig& loaded, World& world) {
    const Config& config = loaded.config;
    Job job;
    job.tool = "lectio-health";
    job.short_name = "health";
    job.paths.state = config.paths.state;
    job.paths.run = config.paths.run;
    job.paths.logs = config.paths.logs;
    job.paths.metrics = metrics_file(config.paths.metrics, job.short_name);
    job.lang = config.lang;
    job.zone = config.timezone;
    job.host = config.host.empty() ? world.host.hostname() : config.host;
    job.log_format = config.log.format == LogSettings::Format::json ? LogFormat::json : LogFormat::text;
    job.log_level = level_of(config.log.level);
    job.deadline = config.health.deadline;
    job.remind = config.alerts.remind;
    job.boot_grace = config.health.boot_grace;
    job.deploy_grace = config.alerts.deploy_grace;
    job.always_muted = config.always_muted;
    job.mute_file = config.mute_file;
    job.delivery = delivery_settings(config);
    job.history = {config.history.keep, config.history.size};
    job.notes = config.assumed;
    // Of a configuration that did not load its channels may be what was wrong.
    if (config.channels.empty() && loaded.use != LoadedConfig::Use::telling) {
        job.notes.push_back(say(k_no_channel));
    }
    add_checks(job, config);
    add_ladder(job, config);
    add_notices(job, loaded);
    return job;
}

} // namespace lectio::health

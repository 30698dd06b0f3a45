#include "pipeline/common_job.h"

#include "alerts/channels.h"
#include "platform/host.h"
#include "report/prometheus.h"
#include "util/text.h"

#include <algorithm>

namespace lectio {
namespace {

constexpr Phrase k_no_channel{
    "no alert channel is configured: nobody is told of failures; [channel.errors] in the configuration sets "
    "one up",
    "канал оповещений не настроен: о сбоях никто не узнает; его задаёт раздел [channel.errors] в настройках"};
constexpr Phrase k_wrong{"the configuration is wrong; the last good one is in use. {}",
                         "ошибка в настройках; работаем с последними верными. {}"};
constexpr Phrase k_nothing_good{
    "the configuration is wrong and there is no last good one: nothing is checked. {}",
    "ошибка в настройках, а последних верных нет: ничего не проверяется. {}"};
constexpr Phrase k_wrong_hint{"{} --check-config names every problem",
                              "все ошибки назовёт {} --check-config"};
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

} // namespace

SelfNotice config_notice(std::string cause, Text message, Text hint) {
    SelfNotice notice;
    notice.name = "config";
    notice.cause = std::move(cause);
    notice.message = std::move(message);
    notice.hint = std::move(hint);
    return notice;
}

Job common_job(const LoadedConfig& loaded, World& world, std::string_view short_name) {
    const Config& config = loaded.config;
    Job job;
    job.tool = "lectio-" + std::string(short_name);
    job.short_name = short_name;
    job.paths.state = config.paths.state;
    job.paths.run = config.paths.run;
    job.paths.logs = config.paths.logs;
    job.paths.metrics = metrics_file(config.paths.metrics, job.short_name);
    job.lang = config.lang;
    job.zone = config.timezone;
    job.host = config.host.empty() ? world.host.hostname() : config.host;
    job.log_format = config.log.format == LogSettings::Format::json ? LogFormat::json : LogFormat::text;
    job.log_level = level_of(config.log.level);
    job.remind = config.alerts.remind;
    job.per_hour = config.alerts.per_hour;
    job.quiet = config.alerts.quiet;
    job.digest = config.alerts.digest;
    job.boot_grace = config.health.boot_grace;
    job.deploy_grace = config.alerts.deploy_grace;
    job.always_muted = config.always_muted;
    job.mute_file = config.mute_file;
    job.delivery = delivery_settings(config);
    job.history = {config.history.keep, config.history.size};
    // Of a configuration that did not load its channels may be what was wrong.
    if (config.channels.empty() && loaded.use != LoadedConfig::Use::telling) {
        job.notes.push_back(say(k_no_channel));
    }
    return job;
}

void add_configuration_notices(Job& job, const LoadedConfig& loaded) {
    for (const Config::Note& note : loaded.config.notes) {
        if (note.tool.empty() || note.tool == job.short_name) {
            job.notices.push_back(config_notice(note.message.en, note.message, note.hint));
        }
    }
    if (loaded.ok()) {
        return;
    }
    const bool last_good = loaded.use == LoadedConfig::Use::last_good;
    const Text words = say(last_good ? k_wrong : k_nothing_good, first_error(loaded));
    job.wrong_configuration = words;
    const Text hint = loaded.copy_of_gone.empty()
                          ? say(k_wrong_hint, job.tool)
                          : say(k_gone_hint, loaded.copy_of_gone.string(), loaded.file);
    job.notices.push_back(config_notice(loaded.fingerprint, words, hint));
    if (!last_good) { // not one look at the site: no milder than the worst that it could be
        job.notices.back().status = Status::critical;
    }
}

} // namespace lectio

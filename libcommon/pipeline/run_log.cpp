#include "pipeline/run_log.h"

#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_logs_mode = 0750;

constexpr Phrase k_log_not_written{"the log cannot be written: {}", "не удаётся записать журнал: {}"};
constexpr Phrase k_stopped{"the run was asked to stop by signal {}", "запуск прерван сигналом {}"};
constexpr Phrase k_log_change{"{}: {} (incident {})", "{}: {} (инцидент {})"};
constexpr Phrase k_log_opened{"broken", "сломалось"};
constexpr Phrase k_log_risen{"critical now", "теперь критично"};
constexpr Phrase k_log_eased{"better, not over", "лучше, но не прошло"};
constexpr Phrase k_log_resolved{"resolved", "прошло"};
constexpr Phrase k_log_unwatched{"no longer checked", "больше не проверяется"};
constexpr Phrase k_log_flapping{"breaks and recovers by turns", "то ломается, то чинится"};
constexpr Phrase k_log_changed{"changed", "изменилось"};
constexpr Phrase k_log_deed{"recovery {}: {} {}", "восстановление {}: {} {}"};
constexpr Phrase k_log_fixed{"works again: {}", "снова работает: {}"};
constexpr Phrase k_log_verdict{"{}: {}", "{}: {}"};
constexpr Phrase k_log_end{"{}, {} not good, {}", "{}, не в порядке: {}, {}"};
constexpr Noun k_checks{"check", "checks", "проверка", "проверки", "проверок"};

LogLevel level_of(Status status) {
    return status == Status::critical ? LogLevel::error : LogLevel::warn;
}

LogLevel level_of(Event event, const Verdict* verdict) {
    if (event == Event::resolved) {
        return LogLevel::success;
    }
    return event == Event::unwatched || verdict == nullptr ? LogLevel::info : level_of(verdict->status);
}

Text words_of(Event event) {
    switch (event) {
    case Event::opened:
        return say(k_log_opened);
    case Event::risen:
        return say(k_log_risen);
    case Event::eased:
        return say(k_log_eased);
    case Event::resolved:
        return say(k_log_resolved);
    case Event::unwatched:
        return say(k_log_unwatched);
    case Event::flapping:
        return say(k_log_flapping);
    default:
        return say(k_log_changed);
    }
}

const Verdict* verdict_of(const std::string& check, const std::vector<Verdict>& verdicts) {
    const auto found = std::find_if(verdicts.begin(), verdicts.end(),
                                    [&](const Verdict& verdict) { return verdict.name == check; });
    return found == verdicts.end() ? nullptr : &*found;
}

} // namespace

RunLog::RunLog(World& world, const Job& job)
    : m_world(world), m_job(job), m_log(world.files, job.paths.logs / (job.short_name + ".log"), job.tool,
                                        job.log_format, job.log_level, job.zone),
      m_alert_log(world.files, job.paths.logs / "alerts.log", job.tool, job.log_format, LogLevel::debug,
                  job.zone) {}

void RunLog::changes(const Judgement& judgement, std::size_t from) {
    for (std::size_t i = from; i < judgement.changes.size(); ++i) {
        const Change& change = judgement.changes[i];
        const Verdict* verdict = verdict_of(change.check, judgement.verdicts);
        say_now(level_of(change.event, verdict),
                join(": ", {say(k_log_change, change.check, words_of(change.event), change.incident),
                            verdict != nullptr ? verdict->message : Text{}}));
    }
}

void RunLog::deeds(const std::vector<Deed>& deeds) {
    for (const Deed& deed : deeds) {
        Text words = join(": ", {say(k_log_deed, deed.rung, deed.action, deed.target), deed.detail});
        if (!deed.fixed.empty()) {
            words = join("; ", {words, say(k_log_fixed, fmt::format("{}", fmt::join(deed.fixed, ", ")))});
        }
        say_now(deed.ok ? LogLevel::success : LogLevel::error, words);
    }
}

void RunLog::alerts(const std::vector<AlertLine>& lines) {
    for (const AlertLine& line : lines) {
        m_alert_log.add_alert(line.time, line.level, line.text);
    }
}

void RunLog::stopped_by(int signal) {
    say_now(LogLevel::warn, say(k_stopped, signal));
}

void RunLog::closing(const std::vector<Verdict>& verdicts, const std::vector<Text>& quiet, Duration took) {
    std::size_t bad = 0;
    for (const Verdict& verdict : verdicts) {
        if (verdict.status != Status::ok && verdict.status != Status::skipped) {
            ++bad;
            say_now(level_of(verdict.status), say(k_log_verdict, verdict.name, verdict.message));
        }
    }
    for (const Text& words : quiet) {
        say_now(LogLevel::info, words);
    }
    const Text count = counted(static_cast<std::int64_t>(verdicts.size()), k_checks);
    say_now(bad == 0 ? LogLevel::success : LogLevel::warn, say(k_log_end, count, bad, format_duration(took)));
}

std::vector<Text> RunLog::flush() {
    if (Result<void> folder = m_world.files.make_folders(m_job.paths.logs, k_logs_mode); !folder) {
        return {say(k_log_not_written, error_words(folder.error().message))};
    }
    std::vector<Text> notes;
    for (Log* log : {&m_log, &m_alert_log}) {
        if (Result<void> written = log->flush(); !written) {
            notes.push_back(say(k_log_not_written, error_words(written.error().message)));
        }
    }
    return notes;
}

// A line says when it was written: what takes long in a run is seen in its log.
void RunLog::say_now(LogLevel level, const Text& words) {
    m_log.add(m_world.clock.now().wall, level, words.in(m_job.lang));
}

} // namespace lectio

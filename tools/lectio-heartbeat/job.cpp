#include "job.h"

#include "cli/tool_session.h"
#include "heartbeat/job.h"
#include "heartbeat/job_record.h"
#include "operator/tell_under_key.h"
#include "platform/attended.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/stop.h"
#include "status/write_page.h"
#include "util/text.h"
#include "util/uuid.h"
#include "words/error_words.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_to_begin = 5s;       // a dead network holds a job up no longer
constexpr Duration k_to_end = 19s;        // for the ping and the message at its end
constexpr Duration k_to_tell = 10s;       // of these, for the message
constexpr Duration k_to_publish = 6s;     // what others may read of it
constexpr Duration k_grace = 5s;          // for a disk that hangs
constexpr mode_t k_run_mode = 0755;       // as the pipeline makes it
constexpr std::size_t k_told_tail = 1000; // of the job's output, in a message

constexpr Phrase k_title{"job {}", "задание {}"};
constexpr Phrase k_outcome{"job {} {}", "задание {}: {}"};
constexpr Phrase k_unknown{
    "there is no [heartbeat.job.{}] in the configuration: it runs, and no ping tells of it",
    "в конфигурации нет [heartbeat.job.{}]: задание выполняется, но сигналов о нём не будет"};
constexpr Phrase k_unset{"`url` of [heartbeat.job.{}] cannot be used, no ping tells of it: {}",
                         "url в [heartbeat.job.{}] использовать нельзя, сигналов не будет: {}"};
constexpr Phrase k_unwatched{"the job runs unwatched", "задание выполняется без присмотра"};
constexpr Phrase k_would_run{"would run: {}", "было бы выполнено: {}"};
constexpr Phrase k_lost{"the ping did not arrive: {}", "сигнал не дошёл: {}"};
constexpr Phrase k_no_lock{"nothing keeps two of them from running at once: {}",
                           "ничто не помешает запустить второе такое же: {}"};
constexpr Phrase k_not_noted{"how the job went is not noted: {}", "не записано, как прошло задание: {}"};

std::string last_of(std::string_view text, std::size_t most) {
    return text.size() <= most ? std::string(text) : "…" + to_utf8(text.substr(text.size() - most));
}

AttendedRequest asked(const Options& options) {
    AttendedRequest request;
    request.command = options.command;
    return request;
}

class Job {
  public:
    Job(ToolSession& session, const Options& options)
        : m_session(session), m_options(options), m_request(asked(options)) {
        const auto& jobs = m_session.config().heartbeat.jobs;
        if (const auto job = jobs.find(options.job); job != jobs.end()) {
            m_settings = &job->second;
            m_request.limit = job->second.max;
        }
    }

    int execute() {
        if (m_session.common().dry_run) {
            return m_session.say_outcome(
                say(k_would_run, clean_line(fmt::format("{}", fmt::join(m_options.command, " ")))), 0, {});
        }
        Lock lock;
        if (const std::optional<int> leave = take(lock)) {
            return *leave;
        }
        say_what_is_missing();
        Ping begin;
        begin.signal = Ping::Signal::start;
        begin.rid = m_rid;
        ping(begin, k_to_begin);
        remark_begin();
        const Now begun = m_session.world().clock.now();
        const Result<AttendedAnswer> answer = attend(m_request);
        end_process_after(k_to_end + k_to_publish + k_grace);
        const JobEnd end = judge(answer, m_request.limit);
        const Now now = m_session.world().clock.now();
        remember({now, elapsed(begun, now), end.status, end.words});
        lock.release(); // what follows is telling
        if (!end.is_good()) {
            m_session.say_aside(say(k_outcome, m_options.job, end.words));
        }
        log(end);
        ping(ping_of(end, m_rid, m_session.lang()), k_to_end - k_to_tell);
        tell(end);
        status::write_page(m_session, status::RunWas::news);
        return end.status;
    }

  private:
    // A run folder that cannot be written keeps no job from running.
    std::optional<int> take(Lock& lock) {
        const Path& run = m_session.config().paths.run;
        Files& files = m_session.world().files;
        const Result<void> made = files.make_folders(run, k_run_mode);
        Result<Lock> taken = made ? files.lock(run / fmt::format("job-{}.lock", m_options.job),
                                               "lectio-heartbeat", m_session.now())
                                  : made.error();
        if (taken) {
            lock = std::move(*taken);
        } else if (taken.error().kind == ErrorKind::busy) {
            return m_session.leave(ExitCode::locked, error_words(taken.error().message));
        } else {
            m_session.say_aside(say(k_no_lock, error_words(taken.error().message)));
        }
        return std::nullopt;
    }

    // For those who ask how things stand; nothing that is amiss with it concerns the job.
    void remark_begin() {
        World& world = m_session.world();
        const Result<void> noted = note_begin(m_session.config().paths.run, m_options.job,
                                              {world.clock.now(), world.host.self_pid()});
        if (!noted) {
            m_session.say_aside(say(k_not_noted, error_words(noted.error().message)));
        }
    }

    void remember(const JobRecord::End& end) {
        const Paths& paths = m_session.config().paths;
        const Result<void> noted =
            note_end(m_session.world().files, paths.state, paths.run, m_options.job, end);
        if (!noted) {
            m_session.say_aside(say(k_not_noted, error_words(noted.error().message)));
        }
    }

    void say_what_is_missing() {
        if (m_settings == nullptr) {
            m_session.say_aside(say(k_unknown, m_options.job));
        } else if (!m_settings->unset.empty()) {
            const Text why = unset_words(m_settings->unset, m_session.config().wrong_variables);
            m_session.say_aside(say(k_unset, m_options.job, why));
        }
    }

    void ping(const Ping& ping, Duration limit) {
        if (m_settings == nullptr || m_settings->url.empty() || !m_settings->unset.empty()) {
            return;
        }
        Pinger pinger(m_session.world(), m_settings->url, m_session.config().heartbeat.timeout, m_memory);
        const PingOutcome outcome = pinger.send(ping, m_session.deadline(limit));
        if (!outcome.arrived && !outcome.problem.empty()) {
            m_session.say_aside(say(k_lost, outcome.problem));
        }
    }

    // A log that cannot be written stops nothing.
    void log(const JobEnd& end) {
        Log log = m_session.open_log("heartbeat.log");
        log.add(m_session.now(), end.is_good() ? LogLevel::info : LogLevel::error,
                clean_line(say(k_outcome, m_options.job, end.words).in(m_session.lang())));
        const Result<void> written = m_session.write(log);
        if (!written) {
            m_session.say_aside(error_words(written.error().message));
        }
    }

    void tell(const JobEnd& end) {
        const Text text =
            end.tail.empty() ? end.words : join("\n", {end.words, verbatim(last_of(end.tail, k_told_tail))});
        tell_under_key(m_session, "job-" + m_options.job, end.is_good() ? Level::resolved : Level::warning,
                       say(k_title, m_options.job), text, k_to_tell);
    }

    ToolSession& m_session;
    const Options& m_options;
    AttendedRequest m_request;
    const JobSettings* m_settings = nullptr; // none: it is not in the configuration
    PingMemory m_memory;
    std::string m_rid = random_uuid();
};

// The job is worth more than its watcher: without a configuration it runs all the same.
int run_unwatched(ToolSession& session, const Options& options) {
    session.say_aside(say(k_unwatched));
    const JobEnd end = judge(attend(asked(options)), {});
    if (!end.is_good()) {
        session.say_aside(say(k_outcome, options.job, end.words));
    }
    return end.status;
}

} // namespace

int run_job(const Options& options, World world) {
    take_time_to_stop();
    ToolSession session("lectio-heartbeat", options.common, world);
    const std::optional<int> left = session.load(LastGood::fall_back);
    if (options.common.check_config) {
        return left.value_or(0);
    }
    return left ? run_unwatched(session, options) : Job(session, options).execute();
}

} // namespace lectio::heartbeat

#include "ping.h"

#include "alerts/channels.h"
#include "cli/tool_session.h"
#include "heartbeat/beat.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "platform/stop.h"
#include "status/write_page.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::heartbeat {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_deadline = 19s; // of a run; the next one of cron begins within the minute
constexpr Duration k_grace = 5s;     // for a disk that hangs
constexpr mode_t k_run_mode = 0755;  // as the pipeline makes it
constexpr int k_not_told = 1;

constexpr Phrase k_nothing_to_do{"no `url` in [heartbeat]: nobody outside is told",
                                 "в [heartbeat] не задан url: снаружи никто ничего не ждёт"};
constexpr Phrase k_unset{"`url` of [heartbeat] cannot be used: {}",
                         "url в [heartbeat] использовать нельзя: {}"};
constexpr Phrase k_pinged{"{}; pinged", "{}; сигнал отправлен"};
constexpr Phrase k_failed{"{}; told outside as a failure", "{}; наружу передано: сбой"};
constexpr Phrase k_silent{"{}; not pinged", "{}; сигнал не отправлен"};
constexpr Phrase k_would_ping{"{}; would be pinged", "{}; сигнал был бы отправлен"};
constexpr Phrase k_would_fail{"{}; would be told outside as a failure", "{}; наружу было бы передано: сбой"};
constexpr Phrase k_lost{"{}; the ping did not arrive ({}): {}", "{}; сигнал не дошёл ({}): {}"};
constexpr Noun k_attempts{"attempt", "attempts", "попытка", "попытки", "попыток"};

Text words_of(const Beat& beat, Effect effect) {
    using Outside = Verdict::Outside;
    const Verdict& verdict = beat.verdict;
    if (verdict.outside == Outside::told_nothing) {
        return say(k_silent, verdict.words);
    }
    const bool well = verdict.outside == Outside::told_well;
    if (effect == Effect::none) {
        return say(well ? k_would_ping : k_would_fail, verdict.words);
    }
    if (!beat.ping->arrived) {
        const Text lost =
            say(k_lost, verdict.words, counted(beat.ping->attempts, k_attempts), beat.ping->problem);
        return join("\n", {lost, beat.ping->hint});
    }
    return say(well ? k_pinged : k_failed, verdict.words);
}

int status_of(const Beat& beat) {
    const bool lost = beat.ping && !beat.ping->arrived;
    return std::max(beat.verdict.status, lost ? k_not_told : 0);
}

nlohmann::json fields_of(const Beat& beat) {
    constexpr std::array<const char*, 3> k_words{"well", "failed", "nothing"};
    return {{"told", k_words.at(static_cast<std::size_t>(beat.verdict.outside))},
            {"arrived", beat.ping && beat.ping->arrived},
            {"attempts", beat.ping ? beat.ping->attempts : 0}};
}

class Run {
  public:
    explicit Run(ToolSession& session) : m_session(session) {}

    int execute() {
        const HeartbeatSettings& settings = m_session.config().heartbeat;
        if (!settings.unset.empty()) {
            const Text why = unset_words(settings.unset, m_session.config().wrong_variables);
            return m_session.leave(ExitCode::configuration, say(k_unset, why));
        }
        if (settings.url.empty()) {
            return m_session.say_outcome(say(k_nothing_to_do), of_configuration(0), {{"told", "nothing"}});
        }
        const Effect effect = m_session.common().dry_run ? Effect::none : Effect::real;
        Lock lock;
        if (effect == Effect::real) {
            if (const std::optional<int> leave = take(lock)) {
                return *leave;
            }
        }
        const Config& config = m_session.config();
        Delivery delivery(m_session.world(), delivery_settings(config), make_channels(config));
        const Beat beat =
            heartbeat::beat(m_session.world(), config, delivery, effect, m_session.deadline(k_deadline));
        const Text words = words_of(beat, effect);
        if (effect == Effect::real) {
            log(words, status_of(beat));
            status::write_page(m_session, status::RunWas::routine);
        }
        return m_session.say_outcome(words, of_configuration(status_of(beat)), fields_of(beat));
    }

  private:
    // As every tool (CONTRACT 5): it goes on with the last good one, which is told, and its exit status says that the present
    // one is wrong.
    [[nodiscard]] int of_configuration(int status) const {
        return m_session.loaded().ok() ? status : static_cast<int>(ExitCode::configuration);
    }

    // Of a run folder that cannot be written the state will tell.
    std::optional<int> take(Lock& lock) {
        const Path& run = m_session.config().paths.run;
        Files& files = m_session.world().files;
        if (!files.make_folders(run, k_run_mode)) {
            return std::nullopt;
        }
        Result<Lock> taken = files.lock(run / "heartbeat.lock", "lectio-heartbeat", m_session.now());
        if (taken) {
            lock = std::move(*taken);
        } else if (taken.error().kind == ErrorKind::busy) {
            return m_session.leave(ExitCode::locked, error_words(taken.error().message));
        }
        return std::nullopt;
    }

    // A log that cannot be written stops nothing.
    void log(const Text& words, int status) {
        Log log = m_session.open_log("heartbeat.log");
        const LogLevel level = status == 0 ? LogLevel::info : status == 1 ? LogLevel::warn : LogLevel::error;
        log.add(m_session.now(), level, clean_line(words.in(m_session.lang())));
        const Result<void> written = m_session.write(log);
        if (!written) {
            m_session.say_aside(error_words(written.error().message));
        }
    }

    ToolSession& m_session;
};

} // namespace

int run(const Options& options, World world) {
    ToolSession session("lectio-heartbeat", options.common, world);
    end_process_after(k_deadline + k_grace);
    const std::optional<int> left = session.load(LastGood::fall_back);
    const int status = left ? *left : Run(session).execute();
    if (stop_requested()) {
        return 128 + stop_signal();
    }
    return options.by_old_name && status != 0 ? 1 : status;
}

} // namespace lectio::heartbeat

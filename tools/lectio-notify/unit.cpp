// unit: a unit of systemd fell. Called by systemd itself: as ExecStopPost= at each fall, and as OnFailure= when systemd
// has given up; both while the unit is on its way down, so this must be over soon whatever hangs.
#include "checks/systemd.h"
#include "checks/unit_words.h"
#include "cli/exit_code.h"
#include "commands.h"
#include "incidents/rules.h"
#include "incidents/unit_falls.h"
#include "operator/health_events.h"
#include "outcome_words.h"
#include "platform/environment.h"
#include "platform/host.h"
#include "platform/journal.h"
#include "platform/oom_log.h"
#include "platform/services.h"
#include "platform/stop.h"
#include "platform/unit_name.h"
#include "session.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_longest = 2s;    // the unit stops and starts no earlier than we are done
constexpr Duration k_budget = 1800ms; // of it, for all that is done in order; the rest is for what is not
constexpr Duration k_asking = 300ms;  // systemd, each question
constexpr Duration k_reading = 400ms; // the journal
constexpr Duration k_oom_ago = 60s;   // a kill of this unit's main process is no older
constexpr std::size_t k_longest_name = 255; // UNIT_NAME_MAX of systemd

constexpr Phrase k_no_unit{"\"{}\" is no name of a unit", "«{}» — не имя юнита"};
constexpr Phrase k_fell{"{} fell: {}", "{} упал: {}"};
constexpr Phrase k_fell_somehow{"{} fell", "{} упал"};
constexpr Phrase k_restarts{"systemd is restarting it", "systemd его перезапускает"};
constexpr Phrase k_restarts_in{"systemd restarts it in {}", "systemd перезапустит его через {}"};
constexpr Phrase k_does_not_restart{"systemd does not start it again", "systemd его больше не запустит"};
constexpr Phrase k_not_because{"systemd will not restart it because {}",
                               "systemd его больше не запустит: {}"};
constexpr Phrase k_today{"it has fallen {} today", "сегодня он упал {}"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
constexpr Phrase k_wanted{"{} was stopped on purpose: nothing to tell",
                          "{} остановлен намеренно: сообщать не о чем"};
constexpr Phrase k_well{"{} is well: nothing to tell", "{} в порядке: сообщать не о чем"};
constexpr Phrase k_no_such{"there is no unit {} on this host", "на этом сервере нет юнита {}"};
constexpr Phrase k_stopped_by_hand{"{} is not running, and did not fall: nothing to tell",
                                   "{} не работает, но и не падал: сообщать не о чем"};
constexpr Phrase k_by_timer{"{} starts it again", "снова его запустит {}"};
constexpr Phrase k_counted{"{} fell again: counted, told already",
                           "{} снова упал: учтено, об этом уже сказано"};
constexpr Phrase k_hidden{"{} fell: kept, told once the quiet is over if it is still down",
                          "{} упал: запомнено; если не поднимется, сообщим, когда кончится тишина"};
constexpr Phrase k_kept{"{} fell: kept, told when the quiet hours are over, or the hour has room",
                        "{} упал: запомнено, сообщим, когда кончатся тихие часы или освободится лимит часа"};
constexpr Phrase k_told{"{} fell: told", "{} упал: сообщено"};
constexpr Phrase k_stored{"{} fell: stored, will be delivered as soon as possible",
                          "{} упал: сохранено, будет доставлено при первой возможности"};
constexpr Phrase k_lost{"{} fell; neither stored nor delivered: {}",
                        "{} упал; не сохранено и не доставлено: {}"};
constexpr Phrase k_no_usable_channel{"no channel can be used", "ни один канал не работает"};

// Who has called us, and what it says of the unit's end.
struct Call {
    enum class From { stop_post, on_failure, hand } from = From::hand;
    UnitEnd end;
    std::string invocation;
};

// systemd.exec(5), "Environment Variables Set on Triggered Units", and those of ExecStopPost=.
Call call_of_systemd() {
    const auto variable = [](const char* name) { return environment_variable(name).value_or(""); };
    if (const std::string result = variable("MONITOR_SERVICE_RESULT"); !result.empty()) {
        return {Call::From::on_failure,
                {result, variable("MONITOR_EXIT_CODE"), variable("MONITOR_EXIT_STATUS")},
                variable("MONITOR_INVOCATION_ID")};
    }
    if (const std::string result = variable("SERVICE_RESULT"); !result.empty()) {
        return {Call::From::stop_post,
                {result, variable("EXIT_CODE"), variable("EXIT_STATUS")},
                variable("INVOCATION_ID")};
    }
    return {};
}

bool is_unit_name(std::string_view name) {
    return !name.empty() && name.size() <= k_longest_name && clean_line(name) == name &&
           name.find('/') == std::string_view::npos;
}

// The kernel's log knows it also where systemd was not told: the memory controller of cgroup v1.
bool was_oom_killed(const UnitState& unit, const Now& now) {
    if (unit.result != "signal" || unit.last_main_pid == 0) {
        return false;
    }
    const std::vector<OomVictim> victims = oom_victims(std::max(Duration::zero(), now.boot - k_oom_ago));
    return std::any_of(victims.begin(), victims.end(), [&](const OomVictim& victim) {
        return victim.pid == static_cast<int>(unit.last_main_pid);
    });
}

class TellUnit final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {{"unit", "UNIT", "As systemd has it: %n, or %i of failure-notifier@", &m_unit, {}, true}};
    }

    Text complaint() override {
        end_process_after(k_longest); // reading the configuration is part of it
        if (!is_unit_name(m_unit)) {
            return say(k_no_unit, clean_line(m_unit));
        }
        m_unit = full_unit_name(m_unit);
        return {};
    }

    Duration longest(const Session&) const override { return k_longest; }

    int execute(Session& session) override {
        m_end = session.deadline(k_budget);
        m_call = call_of_systemd();
        const Result<UnitState> asked = session.world().services.unit(m_unit, k_asking);
        m_state = asked.value_or(UnitState{});
        if (m_call.from != Call::From::hand) {
            take_end(m_state, m_call.end);
        } else if (m_state.load_state == "not-found" && m_state.active_state == "inactive") {
            return session.leave(ExitCode::usage, say(k_no_such, m_unit));
        }
        m_timer = timer_of(session.world().services);
        if (const std::optional<Text> reason = nothing_to_tell(session)) {
            return outcome(session, *reason, k_good, {});
        }
        return tell(session, what_happened(session, asked.ok()));
    }

  private:
    [[nodiscard]] std::optional<Text> nothing_to_tell(Session& session) const {
        const bool fell = !m_state.result.empty() && m_state.result != "success";
        if (!fell && m_call.from == Call::From::hand) {
            const bool rests = m_state.active_state == "inactive" && m_state.type != "oneshot";
            return say(rests ? k_stopped_by_hand : k_well, m_unit);
        }
        if (!fell) {
            return say(k_wanted, m_unit);
        }
        const bool host_stops = session.world().services.host_is_stopping(k_asking).value_or(false);
        return is_wanted() || host_stops ? std::optional(say(k_wanted, m_unit)) : std::nullopt;
    }

    // Somebody has asked systemd to stop or restart it: however it ended, that was wanted. By the time of OnFailure=
    // the job is done, and the journal alone knows of it.
    [[nodiscard]] bool is_wanted() const {
        switch (m_call.from) {
        case Call::From::stop_post:
            // A job to start it is the one that has just failed: its start timed out, ExecStartPre= failed.
            return m_state.active_state == "deactivating" && !m_state.job.empty() && m_state.job != "start";
        case Call::From::on_failure:
            return was_asked_to_stop(m_unit, m_call.invocation, k_reading);
        case Call::From::hand:
            break;
        }
        return false;
    }

    // Of what runs and ends: the next start is its timer's business, not that of Restart=.
    [[nodiscard]] std::string timer_of(Services& services) const {
        if (m_state.type != "oneshot") {
            return {};
        }
        for (const std::string& name : m_state.triggered_by) {
            if (!name.ends_with(".timer")) {
                continue;
            }
            const Result<UnitState> timer = services.unit(name, k_asking);
            if (!timer || timer->active_state == "active") {
                return timer ? name : std::string(); // one that does not answer is asked once
            }
        }
        return {};
    }

    [[nodiscard]] UnitFall what_happened(Session& session, bool systemd_answered) {
        const Now now = session.world().clock.now();
        if (was_oom_killed(m_state, now)) {
            m_state.result = "oom-kill";
        }
        // What Restart= asks for was not done: it fell too often. systemd itself names only the last fall.
        if (m_call.from == Call::From::on_failure && will_be_restarted(m_state)) {
            m_state.result = "start-limit-hit";
        }
        // Where systemd does not answer nobody knows: in doubt it is worse.
        m_restarts = systemd_answered && m_call.from != Call::From::on_failure && will_be_restarted(m_state);
        UnitFall fall;
        fall.incident = new_incident(session.world(), m_unit);
        fall.unit = m_unit;
        m_check = check_of(session.config());
        fall.check = m_check.name;
        fall.time = now.wall;
        fall.level = capped(m_restarts ? Status::warning : Status::critical, m_check.common.severity);
        const Text how = how_it_ended(m_state);
        fall.message = how.empty() ? say(k_fell_somehow, m_unit) : say(k_fell, m_unit, how);
        fall.hint = verbatim(fmt::format("journalctl -u {} -n 50 --no-pager", m_unit));
        for (const std::string& line : last_journal_lines({m_unit, m_call.invocation}, k_reading)) {
            fall.evidence += redact(clean_line(line)) + "\n";
        }
        return fall;
    }

    // The one that is configured for the unit, or the one that lectio-health will make.
    [[nodiscard]] CheckSettings check_of(const Config& config) const {
        CheckSettings made;
        std::vector<std::string> taken;
        for (const CheckSettings& check : config.health.checks) {
            const bool usable = check.type == "systemd" && check.common.enabled && check.settings != nullptr;
            if (usable && unit_of(*static_cast<const SystemdSettings*>(check.settings.get())) == m_unit) {
                return check;
            }
            taken.push_back(check.name);
        }
        made.name = check_for_unit(m_unit, taken);
        made.type = "systemd";
        return made;
    }

    int tell(Session& session, UnitFall fall) {
        // ExecStopPost= and OnFailure= of one unit may run at the same moment.
        Lock lock = session.common().dry_run ? Lock() : lock_events(session.world(), session.config().paths);
        const FallHistory history = history_of(session);
        fall.counted = m_call.from != Call::From::on_failure || !has_just_fallen(fall, history);
        const FallNews news = news_of(fall, history, session.config().timezone);
        m_hidden = session.desk().suppression().hides(fall.check);
        m_waits = may_wait(session, fall, history);
        fall.incident = news.incident;
        fall.told = news.new_to_operator && !m_hidden && !m_waits && session.delivery().has_channels();
        if (session.common().dry_run) {
            return outcome(session, would_be_told(session, fall, news), k_good, DeliveryReport{});
        }
        const Result<void> left =
            leave(event_folder(session.world().files, session.config().paths.state), fall);
        if (!fall.told) {
            return left || !news.new_to_operator
                       ? outcome(session, quiet_words(fall, news), k_good, DeliveryReport{})
                       : lost(session, error_words(left.error().message), {});
        }
        const DeliveryReport report =
            session.delivery().tell(news_item(session, fall, news), m_end, [&] { lock.release(); });
        session.log(report);
        if (!report.stored && report.sent_unstored == 0) {
            return lost(session, report.storage_problem, report);
        }
        const Text words = report.sent > 0 ? say(k_told, m_unit) : say(k_stored, m_unit);
        return outcome(session, words, k_good, report);
    }

    // What systemd mends by itself wakes nobody, as long as there is lectio-health to tell it in the morning.
    static bool may_wait(Session& session, const UnitFall& fall, const FallHistory& history) {
        return fall.level != Status::critical && is_taken_over(history.health, fall.time) &&
               session.delivery().pause() != Pause::none;
    }

    [[nodiscard]] Text quiet_words(const UnitFall& fall, const FallNews& news) const {
        if (!news.new_to_operator) {
            return say(k_counted, fall.unit);
        }
        const Text lost = say(k_lost, fall.unit, say(k_no_usable_channel));
        return m_hidden ? say(k_hidden, fall.unit) : m_waits ? say(k_kept, fall.unit) : lost;
    }

    int lost(Session& session, const Text& reason, const DeliveryReport& report) {
        return outcome(session, say(k_lost, m_unit, reason), k_bad, report);
    }

    // What we print lands in the unit's own journal, among the last lines of its next fall: nothing, if all is well.
    int outcome(Session& session, const Text& words, int status, const DeliveryReport& report) const {
        const bool silent = m_call.from != Call::From::hand && status == k_good && !session.common().dry_run;
        return silent ? status : session.say_outcome(words, status, report);
    }

    [[nodiscard]] static FallHistory history_of(Session& session) {
        ToolState state = state_of_health(session.world(), session.config().paths);
        return {std::move(state.judge), std::move(state.units),
                left_falls(event_folder(session.world().files, session.config().paths.state))};
    }

    [[nodiscard]] News news_item(Session& session, const UnitFall& fall, const FallNews& news) const {
        NewsItem item;
        item.event = news.event;
        item.incident.id = fall.incident;
        item.incident.tool = k_health;
        item.incident.check = fall.check;
        item.incident.type = "systemd";
        item.incident.status = fall.level;
        item.incident.severity = m_check.common.severity;
        item.incident.since = {news.since, {}, {}};
        item.incident.message = fall.message;
        item.incident.hint = fall.hint;
        item.incident.evidence = fall.evidence;
        item.incident.note = m_check.common.note;
        item.remarks.push_back(restart_words(news.today));
        News all;
        all.tool = k_health;
        all.host = session.host();
        all.time = session.world().clock.now();
        all.items.push_back(std::move(item));
        return all;
    }

    [[nodiscard]] Text restart_words(std::size_t today) const {
        const auto seconds = std::chrono::round<std::chrono::seconds>(m_state.restart_delay).count();
        const Text why_not = why_not_restarted(m_state);
        const Text down = why_not.empty() ? say(k_does_not_restart) : say(k_not_because, why_not);
        const Text by_hand = m_timer.empty() ? down : say(k_by_timer, m_timer);
        const Text next = !m_restarts   ? by_hand
                          : seconds > 0 ? say(k_restarts_in, span_of(seconds))
                                        : say(k_restarts);
        const Text often =
            today > 1 ? say(k_today, counted(static_cast<std::int64_t>(today), k_times)) : Text{};
        return join("; ", {next, often});
    }

    [[nodiscard]] Text would_be_told(Session& session, const UnitFall& fall, const FallNews& news) const {
        if (!fall.told) {
            return quiet_words(fall, news);
        }
        const Voice voice{session.config().lang, session.config().timezone};
        const std::optional<Message> message = compose(news_item(session, fall, news), voice);
        return message ? say(k_would_send, plain_text(*message)) : Text{};
    }

    std::string m_unit;
    SteadyTime m_end{};
    Call m_call;
    UnitState m_state;
    CheckSettings m_check;
    std::string m_timer; // that starts it again; empty: none is known
    bool m_restarts = false;
    bool m_hidden = false; // by a mute, say
    bool m_waits = false;  // for the end of the quiet hours, say
};

} // namespace

std::unique_ptr<Command> make_unit() {
    return std::make_unique<TellUnit>();
}

} // namespace lectio::notify

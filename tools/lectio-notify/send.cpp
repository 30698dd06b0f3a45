// send: any script's way to tell the operator.
#include "commands.h"
#include "events.h"
#include "incidents/key_events.h"
#include "incidents/unit_falls.h"
#include "operator/just_told.h"
#include "outcome_words.h"
#include "session.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_budget = 2s; // CONTRACT 21
// On top of it, for a disk that hangs.
constexpr Duration k_grace = 5s;
// More than this is no message; reading all of an endless pipe would be worse.
constexpr std::size_t k_longest_text = std::size_t{64} << 10U;

const std::string k_not_given(1, '\0'); // no argument can hold it
constexpr std::size_t k_longest_summary = 160;

constexpr Phrase k_nothing_to_send{"there is nothing to send: give a text, or put it on standard input",
                                   "отправлять нечего: укажите текст или подайте его на стандартный ввод"};
constexpr Phrase k_sent{"delivered", "доставлено"};
constexpr Phrase k_unstored{"it could not be stored ({}), so it was sent at once; delivered through: {}",
                            "сохранить не удалось ({}), отправлено сразу; доставлено через: {}"};
constexpr Phrase k_missed{"channel {} was not told and will not be: {}",
                          "канал {} не получил и не получит: {}"};
constexpr Phrase k_kept{"stored; {}", "сохранено; {}"};
constexpr Phrase k_stored{"stored, will be delivered as soon as possible",
                          "сохранено, будет доставлено при первой возможности"};
constexpr Phrase k_held_up{"stored; channel {} {}; it will be delivered when that is mended",
                           "сохранено; канал {} {}; будет доставлено, когда это исправят"};
constexpr Phrase k_put_aside{"refused for good; it is kept, with the reason, in {}",
                             "отвергнуто окончательно; сохранено вместе с причиной в {}"};
constexpr Phrase k_known{"told already: the same key within its window",
                         "об этом уже сказано: тот же ключ в пределах окна"};
constexpr Phrase k_nothing_open{"nothing that was told under this key is open: nothing to tell",
                                "под этим ключом ничего не открыто: сообщать не о чем"};
constexpr Phrase k_counted{"told already; counted: {}", "об этом уже сказано; учтено: {}"};
constexpr Phrase k_left{"kept; lectio-health tells it when its time comes; --now tells it at once",
                        "запомнено; lectio-health сообщит, когда придёт время; сразу — с ключом --now"};
constexpr Phrase k_ended_untold{"over; nobody was told that it began, so nobody is told that it ended",
                                "прошло; о начале никому не сообщали, не сообщаем и о конце"};
constexpr Phrase k_over{"over: {}", "прошло: {}"};
constexpr Phrase k_also{"And {} besides this one.", "Кроме этого, было {}."};
constexpr Phrase k_lasted{"It lasted {} (since {})", "Длилось: {} (с {})"};
constexpr Phrase k_in_all{"told of {} in all", "всего сообщений об этом: {}"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
constexpr Phrase k_lost{"neither stored nor delivered: {}", "не сохранено и не доставлено: {}"};
constexpr Phrase k_no_usable_channel{"no channel can be used; lectio-notify test says why",
                                     "ни один канал не работает; почему, скажет lectio-notify test"};

std::string read_standard_input() {
    std::string text(k_longest_text, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    return text;
}

// Who was told of what could not be stored, and who was not and never will be: nothing of it is left to try again.
Text who_was_told(const DeliveryReport& report) {
    Text lines =
        say(k_unstored, report.storage_problem, fmt::format("{}", fmt::join(report.reached_unstored, ", ")));
    for (const std::string& channel : report.missed_unstored) {
        const auto problem = std::find_if(report.problems.begin(), report.problems.end(),
                                          [&](const ChannelProblem& it) { return it.channel == channel; });
        lines = join("\n", {lines, say(k_missed, channel,
                                       problem == report.problems.end() ? Text{} : problem->message)});
    }
    return lines;
}

// The channels that refuse what was stored for them now, one a line, and what to do about it.
Text what_is_held_up(const DeliveryReport& report) {
    Text lines;
    for (const ChannelProblem& problem : report.problems) {
        const auto& stored_for = report.queued_for;
        if (problem.needs_person &&
            std::find(stored_for.begin(), stored_for.end(), problem.channel) != stored_for.end()) {
            lines = join("\n", {lines, say(k_held_up, problem.channel, problem.message), problem.hint});
        }
    }
    return lines;
}

// `kept`: why it may wait, if it does.
Text what_became_of_it(const DeliveryReport& report, const Text& kept, const Config& config) {
    Text held_up = what_is_held_up(report);
    if (!kept.empty() && report.queued > 0 && report.kept > 0) {
        return join("\n", {say(k_kept, kept), held_up});
    }
    if (!report.stored) {
        return join("\n", {who_was_told(report), held_up});
    }
    if (report.sent > 0) {
        return join("\n", {say(k_sent), held_up});
    }
    if (report.rejected > 0) {
        return say(k_put_aside, (config.paths.state / "outbox" / "rejected").string());
    }
    if (!held_up.empty()) {
        return held_up;
    }
    return report.queued == 0 ? say(k_known) : join(": ", {say(k_stored), why_not_yet(report)});
}

// What is told under a key, and what is known of it.
struct Keyed {
    KeyEvent event;
    KeyHistory history;
    KeyNews news;
    bool health_runs = false;
    enum class Teller {
        we,
        health, // at its time: when a mute or the quiet hours are over, if it is still to be told then
        nobody,
    } teller = Teller::we;
};

class Send final : public Command {
  public:
    std::vector<Argument> arguments() override {
        return {
            {"--level",
             "LEVEL",
             "critical, warning, info (default) or resolved",
             &m_level,
             {"critical", "warning", "info", "resolved"}},
            {"--key", "KEY", "Told once in alerts.key_window, the rest is counted; --level resolved ends it",
             &m_key},
            {"--now", "", "Not kept back by a mute, nor (a warning, information) by the quiet hours", &m_now},
            {"--title", "TITLE", "Default: the first line of the text", &m_title},
            {"text", "TEXT",
             "What to tell; - or nothing: standard input (with --level resolved --key not needed)", &m_text},
        };
    }

    Text complaint() override {
        m_key = clean_line(m_key);
        const bool ends_a_key = m_level == "resolved" && !m_key.empty();
        if (m_text == "-" || (m_text == k_not_given && !ends_a_key)) {
            m_text = read_standard_input();
        } else if (m_text == k_not_given) {
            m_text.clear();
        }
        const bool empty = trim(m_text).empty() && trim(m_title).empty();
        return empty && !ends_a_key ? say(k_nothing_to_send) : Text{};
    }

    Duration longest(const Session&) const override { return k_budget + k_grace; }

    int execute(Session& session) override {
        return m_key.empty() ? tell_words(session) : execute_keyed(session);
    }

  private:
    // A mute hides whatever its level is, as of an incident. But nobody knows whether words are still true when it is
    // over, so they are told then.
    int tell_words(Session& session) {
        Message message = message_of(session, {});
        message.muted = !m_now && session.delivery().is_muted();
        return tell(session, message);
    }

    // ── under a key ──

    int execute_keyed(Session& session) {
        Lock lock = lock_events(session); // two calls at once are one message, and one that is counted
        Keyed keyed = look_up(session);
        if (keyed.news.kind == KeyNews::Kind::nothing) {
            return session.say_outcome(say(k_nothing_open), k_good, DeliveryReport{});
        }
        keyed.teller = teller_of(session, keyed);
        keyed.event.told = keyed.teller == Keyed::Teller::we;
        const bool left = session.common().dry_run || leave_event(session, keyed.event);
        if (left && keyed.teller != Keyed::Teller::we) {
            return session.say_outcome(quiet_words(keyed), k_good, DeliveryReport{});
        }
        Message message = message_of(session, keyed);
        if (left) {
            message.subjects = subjects_of(keyed);
        } // else nobody knows of it the next time: the channels know the key, and tell it once in the window
        return tell(session, message, std::move(lock));
    }

    [[nodiscard]] Keyed look_up(Session& session) const {
        const Config& config = session.config();
        ToolState health = state_of_health(session);
        const DropFolder events = event_folder(session.world().files, config.paths.state);
        Keyed keyed;
        keyed.history = history_of(m_key, health.judge, std::move(health.keys), left_key_events(events),
                                   session.delivery().last_words(std::string(k_health)));
        keyed.event = event_of(session);
        note_acknowledgement(session, keyed);
        keyed.news = news_of(keyed.event, keyed.history, config.alerts.key_window);
        if (!keyed.news.incident.empty()) {
            keyed.event.incident = keyed.news.incident;
        }
        keyed.health_runs = is_taken_over(health.judge, keyed.event.time);
        return keyed;
    }

    // It may lie there for good, where no lectio-health takes it over.
    static void note_acknowledgement(Session& session, Keyed& keyed) {
        if (keyed.history.known) {
            const KnownKey& known = *keyed.history.known;
            const Status level = keyed.event.level == KeyLevel::critical ? Status::critical : Status::warning;
            keyed.history.acknowledged =
                keyed.history.acknowledged ||
                is_acknowledged(session.world().files, session.config().paths.state, known.incident, level);
        }
    }

    [[nodiscard]] KeyEvent event_of(Session& session) const {
        const std::string text = redact(clean(m_text));
        const std::string_view all = trim(text);
        const std::string_view first = all.substr(0, all.find('\n'));
        KeyEvent event;
        event.key = m_key;
        event.incident = new_incident(session, m_key);
        event.level = level_of_key(parse_level(m_level).value_or(Level::info));
        event.time = session.now();
        event.title = m_title.empty() ? clean_line(first) : redact(clean_line(m_title));
        event.text = std::string(m_title.empty() ? trim(all.substr(first.size())) : all);
        return event;
    }

    static KeyLevel level_of_key(Level level) {
        switch (level) {
        case Level::critical:
            return KeyLevel::critical;
        case Level::warning:
            return KeyLevel::warning;
        case Level::info:
            return KeyLevel::info;
        case Level::resolved:
            break;
        }
        return KeyLevel::over;
    }

    // What is left to lectio-health is not lost: it is told when its time comes. Where that does not run we tell, and the
    // outbox keeps what may wait.
    [[nodiscard]] Keyed::Teller teller_of(Session& session, const Keyed& keyed) const {
        using Kind = KeyNews::Kind;
        const Kind kind = keyed.news.kind;
        if (kind == Kind::counted || kind == Kind::ended_untold) {
            return Keyed::Teller::nobody;
        }
        const KnownKey known = keyed.history.known.value_or(KnownKey{});
        const bool ends = kind == Kind::ended; // the end of what was told is told under a mute, too
        const KeyLevel weight = ends ? known.told : keyed.event.level;
        const bool hidden = !ends && !m_now && session.desk().suppression().hides(check_of_key(m_key));
        const bool paused =
            weight != KeyLevel::critical && !m_now && session.delivery().pause() != Pause::none;
        if (!keyed.health_runs || keyed.event.level == KeyLevel::info || !(hidden || paused)) {
            return Keyed::Teller::we;
        }
        return kind == Kind::repeated ? Keyed::Teller::nobody : Keyed::Teller::health;
    }

    [[nodiscard]] static bool leave_event(Session& session, const KeyEvent& event) {
        const Result<void> left =
            leave(event_folder(session.world().files, session.config().paths.state), event);
        if (!left) {
            session.say_aside(error_words(left.error().message));
        }
        return left.ok();
    }

    [[nodiscard]] static Text quiet_words(const Keyed& keyed) {
        switch (keyed.news.kind) {
        case KeyNews::Kind::ended_untold:
            return say(k_ended_untold);
        case KeyNews::Kind::counted:
        case KeyNews::Kind::repeated:
            return say(k_counted, more_times(keyed.history.known->untold + 1, Duration::zero()));
        default:
            return say(k_left);
        }
    }

    [[nodiscard]] std::vector<Subject> subjects_of(const Keyed& keyed) const {
        if (keyed.event.level == KeyLevel::info) {
            return {};
        }
        Subject subject;
        subject.id = keyed.event.incident;
        subject.check = fmt::format("{}/{}", k_health, check_of_key(m_key));
        subject.event = keyed.news.kind == KeyNews::Kind::ended      ? Event::resolved
                        : keyed.news.kind == KeyNews::Kind::risen    ? Event::risen
                        : keyed.news.kind == KeyNews::Kind::repeated ? Event::reminder
                                                                     : Event::opened;
        subject.level = parse_level(m_level).value_or(Level::info);
        subject.summary = shorten(title_of(keyed).en, k_longest_summary);
        // To whom it is told anew without its message (Alertmanager), this is all of its text.
        subject.hint = shorten(clean_line(keyed.event.text), k_longest_summary);
        subject.since = keyed.history.known ? keyed.history.known->since : keyed.event.time;
        subject.key = m_key;
        return {subject};
    }

    // An end without words of its own is that of what was told.
    [[nodiscard]] static Text title_of(const Keyed& keyed) {
        const bool bare = keyed.event.title.empty() && keyed.history.known;
        const std::string& before = bare ? keyed.history.known->title : keyed.event.title;
        return bare ? say(k_over, before.empty() ? keyed.event.key : before) : verbatim(before);
    }

    // ── the message ──

    [[nodiscard]] Message message_of(Session& session, const Keyed& keyed) const {
        const Config& config = session.config();
        const Words::Pace pace = m_now ? Words::Pace::at_once : Words::Pace::by_the_clock;
        const bool bare_end = !keyed.event.key.empty() && keyed.event.title.empty();
        const std::string title = bare_end ? title_of(keyed).in(config.lang) : m_title;
        Message message = compose(Words{parse_level(m_level).value_or(Level::info), title, m_text, m_key,
                                        session.host(), session.now(), pace},
                                  config.lang);
        if (const Text count = count_of(keyed, config.timezone); !count.empty()) {
            message.lines.push_back({Line::Form::text, {{Piece::Kind::plain, count.in(config.lang)}}});
        }
        return message;
    }

    // How often it was told before, where that is more than the reader knows.
    [[nodiscard]] static Text count_of(const Keyed& keyed, const std::string& zone) {
        if (!keyed.history.known) {
            return {};
        }
        const KnownKey& known = *keyed.history.known;
        if (keyed.news.kind == KeyNews::Kind::ended) {
            const auto lasted =
                std::chrono::floor<std::chrono::seconds>(keyed.event.time - known.since).count();
            const std::string since = format_local(known.since, zone).substr(0, 16);
            const Text line = say(k_lasted, spoken(std::max<std::int64_t>(lasted, 0)), since);
            return known.times > 1 ? join("; ", {line, say(k_in_all, counted(known.times, k_times))}) : line;
        }
        const Duration since_told = known.told_at ? keyed.event.time - *known.told_at : Duration::zero();
        return known.untold > 0 ? say(k_also, more_times(known.untold, since_told)) : Text{};
    }

    // Stores first; that alone is enough to have said it (CONTRACT 21).
    // `lock` is held until then: who comes after it finds this stored, and does not wait for a server that hangs.
    int tell(Session& session, const Message& message, Lock lock = {}) {
        if (session.common().dry_run) {
            return session.say_outcome(say(k_would_send, plain_text(message)), k_good, DeliveryReport{});
        }
        if (!session.delivery().has_channels()) {
            return lost(session, say(session.config().channels.empty() ? k_no_channel : k_no_usable_channel),
                        {});
        }
        const Text kept = why_kept_back(session, message);
        const DeliveryReport report =
            session.delivery().tell(message, session.deadline(k_budget), [&] { lock.release(); });
        session.log(report);
        const bool durable_or_delivered = report.stored || report.sent_unstored > 0;
        if (!durable_or_delivered) {
            return lost(session, report.storage_problem, report);
        }
        return session.say_outcome(what_became_of_it(report, kept, session.config()), k_good, report);
    }

    static Text why_kept_back(Session& session, const Message& message) {
        if (message.muted) {
            return why_muted(session.desk().suppression(), session.config());
        }
        return why_kept(message.may_wait ? session.delivery().pause() : Pause::none, session.config());
    }

    static int lost(Session& session, const Text& reason, const DeliveryReport& report) {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        return session.say_outcome(say(k_lost, reason), k_bad, report);
    }

    std::string m_level = "info";
    std::string m_key, m_title;
    bool m_now = false;
    std::string m_text = k_not_given;
};

} // namespace

std::unique_ptr<Command> make_send() {
    return std::make_unique<Send>();
}

} // namespace lectio::notify

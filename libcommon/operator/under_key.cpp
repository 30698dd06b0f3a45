#include "operator/under_key.h"

#include "incidents/key_events.h"
#include "operator/health_events.h"
#include "operator/just_told.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr std::size_t k_longest_summary = 160;

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

KeyLevel level_of_key(Level level) {
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

// One call, and what is known of its key.
class Call {
  public:
    Call(World& world, const Config& config, Delivery& delivery, Words words)
        : m_world(world), m_config(config), m_delivery(delivery), m_words(std::move(words)) {}

    Keyed execute(Effect effect) {
        Keyed keyed;
        if (effect == Effect::real) {
            // Two calls at once are one message, and one that is counted.
            keyed.lock = lock_events(m_world, m_config.paths);
        }
        look_up();
        if (m_news.kind == KeyNews::Kind::nothing) {
            keyed.instead = say(k_nothing_open);
            return keyed;
        }
        const Teller teller = this->teller();
        m_event.told = teller == Teller::we;
        if (effect == Effect::real) {
            const Result<void> left = leave(event_folder(m_world.files, m_config.paths.state), m_event);
            keyed.unleft = left ? std::nullopt : std::optional(left.error());
        }
        if (!keyed.unleft && teller != Teller::we) {
            keyed.instead = quiet_words();
            return keyed;
        }
        keyed.message = message();
        // Else nobody knows of it the next time: the channels know the key, and tell it once in the window.
        if (!keyed.unleft) {
            keyed.message->subjects = subjects();
        }
        return keyed;
    }

  private:
    enum class Teller {
        we,
        health, // at its time: when a mute or the quiet hours are over, if it is still to be told then
        nobody,
    };

    void look_up() {
        ToolState health = state_of_health(m_world, m_config.paths);
        const DropFolder events = event_folder(m_world.files, m_config.paths.state);
        m_history = history_of(m_words.key, health.judge, std::move(health.keys), left_key_events(events),
                               m_delivery.last_words(std::string(k_health)));
        m_event = event();
        note_acknowledgement();
        m_news = news_of(m_event, m_history, m_config.alerts.key_window);
        if (!m_news.incident.empty()) {
            m_event.incident = m_news.incident;
        }
        m_health_runs = is_taken_over(health.judge, m_event.time);
    }

    // It may lie there for good, where no lectio-health takes it over.
    void note_acknowledgement() {
        if (m_history.known) {
            const Status level = m_event.level == KeyLevel::critical ? Status::critical : Status::warning;
            m_history.acknowledged =
                m_history.acknowledged ||
                is_acknowledged(m_world.files, m_config.paths.state, m_history.known->incident, level);
        }
    }

    [[nodiscard]] KeyEvent event() const {
        const std::string text = redact(clean(m_words.text));
        const std::string_view all = trim(text);
        const std::string_view first = all.substr(0, all.find('\n'));
        KeyEvent event;
        event.key = m_words.key;
        event.incident = new_incident(m_world, m_words.key);
        event.level = level_of_key(m_words.level);
        event.time = m_words.time;
        event.title = m_words.title.empty() ? clean_line(first) : redact(clean_line(m_words.title));
        event.text = std::string(m_words.title.empty() ? trim(all.substr(first.size())) : all);
        return event;
    }

    // What is left to lectio-health is not lost: it is told when its time comes. Where that does not run we tell, and the
    // outbox keeps what may wait.
    [[nodiscard]] Teller teller() {
        using Kind = KeyNews::Kind;
        const Kind kind = m_news.kind;
        if (kind == Kind::counted || kind == Kind::ended_untold) {
            return Teller::nobody;
        }
        const bool at_once = m_words.pace == Words::Pace::at_once;
        const KnownKey known = m_history.known.value_or(KnownKey{});
        const bool ends = kind == Kind::ended; // the end of what was told is told under a mute, too
        const KeyLevel weight = ends ? known.told : m_event.level;
        const bool hidden =
            !ends && !at_once && Desk(m_world, m_config, {}).suppression().hides(check_of_key(m_words.key));
        const bool paused = weight != KeyLevel::critical && !at_once && m_delivery.pause() != Pause::none;
        if (!m_health_runs || m_event.level == KeyLevel::info || !(hidden || paused)) {
            return Teller::we;
        }
        return kind == Kind::repeated ? Teller::nobody : Teller::health;
    }

    [[nodiscard]] Text quiet_words() const {
        switch (m_news.kind) {
        case KeyNews::Kind::ended_untold:
            return say(k_ended_untold);
        case KeyNews::Kind::counted:
        case KeyNews::Kind::repeated:
            return say(k_counted, more_times(m_history.known->untold + 1, Duration::zero()));
        default:
            return say(k_left);
        }
    }

    [[nodiscard]] std::vector<Subject> subjects() const {
        if (m_event.level == KeyLevel::info) {
            return {};
        }
        Subject subject;
        subject.id = m_event.incident;
        subject.check = fmt::format("{}/{}", k_health, check_of_key(m_words.key));
        subject.event = m_news.kind == KeyNews::Kind::ended      ? Event::resolved
                        : m_news.kind == KeyNews::Kind::risen    ? Event::risen
                        : m_news.kind == KeyNews::Kind::repeated ? Event::reminder
                                                                 : Event::opened;
        subject.level = m_words.level;
        subject.summary = shorten(title().en, k_longest_summary);
        // To whom it is told anew without its message (Alertmanager), this is all of its text.
        subject.hint = shorten(clean_line(m_event.text), k_longest_summary);
        subject.since = m_history.known ? m_history.known->since : m_event.time;
        subject.key = m_words.key;
        return {subject};
    }

    // An end without words of its own is that of what was told.
    [[nodiscard]] Text title() const {
        const bool bare = m_event.title.empty() && m_history.known;
        const std::string& before = bare ? m_history.known->title : m_event.title;
        return bare ? say(k_over, before.empty() ? m_event.key : before) : verbatim(before);
    }

    [[nodiscard]] Message message() const {
        Words words = m_words;
        if (m_event.title.empty()) {
            words.title = title().in(m_config.lang);
        }
        Message message = compose(words, m_config.lang);
        if (const Text count = this->count(); !count.empty()) {
            message.lines.push_back({Line::Form::text, {{Piece::Kind::plain, count.in(m_config.lang)}}});
        }
        return message;
    }

    // How often it was told before, where that is more than the reader knows.
    [[nodiscard]] Text count() const {
        if (!m_history.known) {
            return {};
        }
        const KnownKey& known = *m_history.known;
        if (m_news.kind == KeyNews::Kind::ended) {
            const auto lasted = std::chrono::floor<std::chrono::seconds>(m_event.time - known.since).count();
            const std::string since = format_local(known.since, m_config.timezone).substr(0, 16);
            const Text line = say(k_lasted, spoken(std::max<std::int64_t>(lasted, 0)), since);
            return known.times > 1 ? join("; ", {line, say(k_in_all, counted(known.times, k_times))}) : line;
        }
        const Duration since_told = known.told_at ? m_event.time - *known.told_at : Duration::zero();
        return known.untold > 0 ? say(k_also, more_times(known.untold, since_told)) : Text{};
    }

    World& m_world;
    const Config& m_config;
    Delivery& m_delivery;
    Words m_words;
    KeyEvent m_event;
    KeyHistory m_history;
    KeyNews m_news;
    bool m_health_runs = false;
};

} // namespace

Keyed under_key(World& world, const Config& config, Delivery& delivery, Words words, Effect effect) {
    return Call(world, config, delivery, std::move(words)).execute(effect);
}

} // namespace lectio

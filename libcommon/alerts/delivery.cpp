#include "alerts/delivery.h"

#include "alerts/channel_memory.h"
#include "alerts/failover.h"
#include "alerts/merge.h"
#include "alerts/rejected.h"
#include "incidents/hours.h"
#include "platform/clock.h"
#include "platform/stop.h"
#include "store/kept_state.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio {
namespace {

constexpr std::string_view k_by_hand = "notify/send"; // what scripts tell, as routes name it
// Read in one go; more wait for the next round.
constexpr std::size_t k_most_at_once = 1000;
constexpr Duration k_attempt{10'000};
constexpr Duration k_nap{100}; // how soon a wish to stop is noticed while waiting
// So many messages in a row that are refused without a reason we know: no others are asked for.
constexpr std::size_t k_most_doubted = 3;
// Cut off sooner it says nothing of the other side.
constexpr Duration k_an_answer_takes{1'000};
// An attempt ends itself so much before the deadline, and says how far it came: cut off it may have arrived.
constexpr Duration k_to_say_so{100};
// With less than this left an attempt would only be cut off.
constexpr Duration k_shortest_attempt{300};
// Waits after a failure: 10 s, 20 s, 40 s … up to this. Within a cron line of every minute, so that news is
// not more than two minutes late once the network is back.
constexpr Duration k_first_wait{10'000};
constexpr Duration k_longest_wait{120'000};
// A wrong token is mended by a person, and then tried at once: asking more often would only annoy the server.
constexpr Duration k_longest_wait_refused{600'000};
// Waiting longer than this is worth a warning in the report.
constexpr Duration k_long_wait{600'000};
constexpr Duration k_hour{3'600'000};

constexpr Phrase k_late{"Delivered late by {}: this was at {}.",
                        "Доставлено с опозданием ({}): это было в {}."};
constexpr Phrase k_waited{"This was at {}: what is not critical waits for its time.",
                          "Это было в {}: некритичное ждёт своего часа."};
constexpr Phrase k_was_muted{"This was at {}: it has waited for the end of the mute.",
                             "Это было в {}: сообщение ждало конца тишины."};
constexpr Phrase k_unstored{
    "This could not be stored before sending ({}): had it been lost, it would not come again.",
    "Не удалось сохранить перед отправкой ({}): потерянное не придёт повторно."};
constexpr Phrase k_unmarked{
    "The disk refuses to note that this was sent ({}): after a reboot it may come again.",
    "Диск не даёт отметить отправку ({}): после перезагрузки это может прийти ещё раз."};
constexpr Phrase k_refuses{"refuses every message: {}", "не принимает сообщений: {}"};
constexpr Phrase k_of_channel{"{}: {}", "{}: {}"};
constexpr Phrase k_waiting_since{"messages wait since {}: {}", "сообщения ждут с {}: {}"};
constexpr Phrase k_rejected{"messages were refused for good: {}", "сообщения отвергнуты окончательно: {}"};
constexpr Phrase k_rejected_hint{"read them in {}, then remove them from there",
                                 "прочитайте их в {} и уберите оттуда"};
constexpr Phrase k_nobody_sends{"another process holds {} and does not send",
                                "блокировку {} держит другой процесс и ничего не отправляет"};
constexpr Phrase k_nobody_sends_hint{"find it: fuser -v {}", "найдите его: fuser -v {}"};
constexpr Phrase k_damaged{"messages in the outbox could not be read and were set aside: {}",
                           "сообщения в очереди не удалось прочитать, они отложены: {}"};
constexpr Phrase k_not_configured{"messages wait for a channel that is not configured or not usable: {}",
                                  "сообщения ждут канала, которого нет в настройках или которым нельзя "
                                  "пользоваться: {}"};
constexpr Phrase k_dropped{"the outbox is full: the oldest messages gave way: {}",
                           "очередь сообщений переполнена: отброшены самые старые: {}"};
constexpr Phrase k_dropped_critical{
    "the outbox is full of critical messages: the oldest gave way, nobody was told of them: {}",
    "очередь переполнена критическими сообщениями: отброшены самые старые, о них никто не узнал: {}"};
constexpr Phrase k_dropped_hint{"all of them are in alerts.log; mend the channel: lectio-notify test",
                                "все они есть в alerts.log; почините канал: lectio-notify test"};
constexpr Phrase k_outbox_trouble{"the outbox cannot be changed: {}", "очередь сообщений не изменить: {}"};
constexpr Phrase k_outbox_in_stopgap{
    "the outbox cannot be changed; what was sent is remembered in {}",
    "очередь сообщений не изменить; что отправлено, запоминаем во временной папке {}"};
constexpr Phrase k_outbox_hint{"check free space, permissions and whether the disk is read-only: {}",
                               "проверьте свободное место, права и не стал ли диск только для чтения: {}"};
constexpr Phrase k_no_lock{"sent without a lock, which could not be taken: {}",
                           "отправляем без блокировки, взять её не удалось: {}"};
constexpr Phrase k_memory_trouble{"what was told cannot be remembered: {}",
                                  "не удаётся запомнить, что уже сказано: {}"};
constexpr Phrase k_told_elsewhere{"Told meanwhile through {}.", "Тем временем это передано через {}."};
constexpr Phrase k_no_answer{"no answer within {}", "нет ответа за {}"};
constexpr Phrase k_ran_out_of_time{"no time was left for it in this run",
                                   "в этом запуске не хватило времени"};

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

LastWord last_word(const std::string& id, const Ledger::Told& told, const std::string& tool) {
    LastWord word;
    word.id = id;
    word.check = told.check.substr(tool.size() + 1);
    word.event = told.event;
    word.level = told.level == Level::critical ? Status::critical : Status::warning;
    word.since = told.since;
    word.time = told.time;
    word.summary = told.summary;
    word.run = told.run;
    return word;
}

// Of two channels' words about one incident the last; what is over does not begin again.
void take_later(std::map<std::string, Ledger::Told>& words, const std::string& id, const Ledger::Told& told) {
    const auto [there, is_new] = words.try_emplace(id, told);
    const bool later = told.time >= there->second.time && !is_over(there->second.event);
    if (!is_new && (later || is_over(told.event))) {
        there->second = told;
    }
}

// ── attempts ─────────────────────────────────────────────────────────────────────────────────────────────

Duration remaining(World& world, SteadyTime deadline) {
    return std::chrono::duration_cast<Duration>(deadline - world.clock.steady());
}

// Moves transfers on until something happens or the deadline is near.
void wait_a_little(World& world, SteadyTime deadline) {
    world.http.poll(std::clamp(remaining(world, deadline), Duration(1), k_nap));
}

Outcome out_of_time(Duration waited) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::unknown;
    outcome.problem =
        waited < k_an_answer_takes ? say(k_ran_out_of_time) : say(k_no_answer, format_duration(waited));
    return outcome;
}

// Doubling, and a fifth more or less, so that hosts that lost the same network do not all come back at once.
Duration wait_after(int failures, Duration longest, const Now& now) {
    const int doublings = std::clamp(failures - 1, 0, 10);
    const Duration whole = std::min(longest, k_first_wait * (1 << doublings));
    const auto spread = std::hash<std::int64_t>{}(now.wall.time_since_epoch().count() ^ ::getpid()) % 41;
    return whole * (80 + static_cast<Duration::rep>(spread)) / 100;
}

// At most one problem a channel: the worst.
void add_problem(std::vector<ChannelProblem>& problems, ChannelProblem problem) {
    const auto same = std::find_if(problems.begin(), problems.end(), [&](const ChannelProblem& other) {
        return other.channel == problem.channel;
    });
    if (same == problems.end()) {
        problems.push_back(std::move(problem));
    } else if (same->status != problem.status && worst(same->status, problem.status) == problem.status) {
        *same = std::move(problem);
    }
}

void note_dropped(DeliveryReport& report, const std::string& channel, const Outbox::Put& put, WallTime time) {
    if (put.critical > 0) {
        const Text words = say(k_dropped_critical, put.critical);
        add_problem(report.problems, {channel, Status::critical, words, say(k_dropped_hint)});
        report.log.push_back({time, "dropped", fmt::format("{}: {}", channel, words.en)});
    } else if (put.dropped > 0) {
        add_problem(report.problems, {channel, Status::warning, say(k_dropped, put.dropped), {}});
    }
}

// What a later step found and did, added to what the earlier one did.
DeliveryReport together(DeliveryReport first, DeliveryReport then) {
    first.queued += then.queued;
    first.sent += then.sent;
    first.rejected += then.rejected;
    first.waiting = then.waiting;
    first.why_waiting = then.why_waiting;
    first.stuck = then.stuck;
    first.kept = then.kept;
    first.next_try = then.next_try;
    first.sent_unstored += then.sent_unstored;
    if (!then.stored) {
        first.stored = false;
        first.storage_problem = then.storage_problem;
    }
    const auto append = [](std::vector<std::string>& to, const std::vector<std::string>& more) {
        to.insert(to.end(), more.begin(), more.end());
    };
    append(first.reached_unstored, then.reached_unstored);
    append(first.missed_unstored, then.missed_unstored);
    first.queued_for.insert(first.queued_for.end(), then.queued_for.begin(), then.queued_for.end());
    first.log.insert(first.log.end(), then.log.begin(), then.log.end());
    for (ChannelProblem& problem : then.problems) {
        add_problem(first.problems, std::move(problem));
    }
    return first;
}

} // namespace

// One sending on its way. It touches no files, so nothing of it can be lost half done.
class Delivery::Attempt {
  public:
    Attempt(World& world, const Channel& channel, Draft draft, SteadyTime deadline)
        : m_world(world), m_began(world.clock.steady()), m_draft(std::make_unique<Draft>(std::move(draft))),
          m_done(std::make_unique<bool>(false)),
          m_task(
              channel.send(world, *m_draft, std::min(k_attempt, remaining(world, deadline) - k_to_say_so))) {
        m_task.start([done = m_done.get()] { *done = true; });
    }
    [[nodiscard]] bool done() const { return *m_done; }
    [[nodiscard]] const Draft& draft() const { return *m_draft; }
    // Once. Of one that is not done: that it was cut off, and may have arrived.
    [[nodiscard]] Outcome take_outcome() {
        return *m_done ? std::move(m_task.value())
                       : out_of_time(std::chrono::duration_cast<Duration>(m_world.clock.steady() - m_began));
    }

  private:
    World& m_world;
    SteadyTime m_began;
    std::unique_ptr<Draft> m_draft; // the Task keeps a reference to it
    std::unique_ptr<bool> m_done;
    Task<Outcome> m_task;
};

struct Delivery::Unstored {
    std::size_t at; // in the letters that are to be sent
    std::unique_ptr<Attempt> attempt;
};

// ── emptying one channel ─────────────────────────────────────────────────────────────────────────────────

class Delivery::Flusher {
  public:
    Flusher(Delivery& delivery, const Channel& channel, Patience patience, DeliveryReport& report)
        : m_delivery(delivery), m_channel(channel), m_patience(patience), m_report(report),
          m_file(ledger_file(delivery.m_world, delivery.m_settings, channel.name())) {}

    // There is more to send: it looks once more, unless the channel has failed.
    void look_again() { m_finished = false; }

    // Goes on as far as it can without waiting. false: finished.
    bool step(SteadyTime deadline) {
        while (!m_finished) {
            if (m_attempt) {
                if (!m_attempt->done() && remaining(world(), deadline) > Duration::zero()) {
                    return true;
                }
                const Outcome outcome = m_attempt->take_outcome();
                const Draft draft = m_attempt->draft();
                m_attempt.reset();
                settle(draft, outcome, deadline);
            } else if (!m_took_over) {
                m_finished = !take_over();
            } else {
                start_next(deadline);
            }
        }
        return false;
    }

  private:
    World& world() { return m_delivery.m_world; }
    Outbox& outbox() { return m_delivery.m_outbox; }
    const std::string& name() const { return m_channel.name(); }

    // The lock and the memory of the channel; false where there is nothing to do, or nothing may be done yet,
    // or another process does it.
    bool take_over() {
        const Recalled before = recall(world(), m_delivery.m_settings, name());
        // Whether it is muted is asked only where somebody waits.
        const bool nothing_waits = outbox().count_waiting(name()) == 0 ||
                                   outbox().count_waiting(name(), {}, m_delivery.hold_of(before.ledger)) == 0;
        const bool nothing_to_do = nothing_waits && before.stopgap.empty() && !must_tell_anew(before.ledger);
        if (nothing_to_do || !may_try(before.ledger)) {
            return false;
        }
        const WallTime now = world().clock.now().wall;
        Result<Lock> lock = lock_channel(world(), m_delivery.m_settings, name());
        if (lock) {
            m_lock = std::move(*lock);
        } else if (lock.error().kind == ErrorKind::busy) {
            return false;
        } else {
            // A run folder that is full or read-only must not keep an alert here: two that send at once may
            // double a message, and that does less harm than none.
            storage_problem(say(k_no_lock, error_words(lock.error().message)));
        }
        m_took_over = true;
        Recalled recalled = recall(m_file, now, StateFile::Access::owner);
        m_ledger = std::move(recalled.ledger);
        m_in_stopgap = !recalled.stopgap.empty();
        outbox().sweep(name(), now);
        return true;
    }

    bool may_try(const Ledger& ledger) {
        const auto pause = ledger.must_wait(world().clock.now().wall, m_channel.budget());
        if (pause && !critical_waits(ledger)) {
            m_report.next_try = std::min(m_report.next_try.value_or(*pause), *pause);
            return false;
        }
        const std::optional<Duration> wait = ledger.must_wait(world().clock.now());
        const bool mended = ledger.trouble.fingerprint != m_channel.fingerprint();
        const bool asked_now = m_patience == Patience::ask_now || mended;
        const bool skip = asked_now && !ledger.trouble.asked_by_server && !m_failed;
        if (!wait || skip) {
            return true;
        }
        m_report.next_try = std::min(m_report.next_try.value_or(*wait), *wait);
        return false;
    }

    // It is tried whatever the budget says: perhaps the server has room for it.
    bool critical_waits(const Ledger& ledger) {
        const std::vector<Letter> waiting =
            outbox()
                .waiting(name(), k_most_at_once, delivered_of(ledger), m_delivery.hold_of(ledger))
                .letters;
        return std::any_of(waiting.begin(), waiting.end(), [this](const Letter& letter) {
            return letter.message.level == Level::critical && !m_passed_over.contains(letter.name);
        });
    }

    // The next message on its way, or the end: the folder is looked at again after unlocking, because who
    // stored a message meanwhile found us holding the lock and left.
    void start_next(SteadyTime deadline) {
        const Outbox::Names delivered = delivered_of(m_ledger);
        const Outbox::Hold hold = m_delivery.hold_of(m_ledger);
        Outbox::Waiting waiting = outbox().waiting(name(), k_most_at_once, delivered, hold);
        std::erase_if(waiting.letters,
                      [this](const Letter& letter) { return m_passed_over.contains(letter.name); });
        drop(waiting.delivered);
        if (std::exchange(m_in_stopgap, false)) {
            save(world().clock.now().wall); // back to the outbox, once that can be written
        }
        const bool time_is_up = remaining(world(), deadline) < k_shortest_attempt;
        if (!m_doubted.empty() && (waiting.letters.empty() || time_is_up)) {
            fail_all_doubted();
            return;
        }
        if (waiting.letters.empty() && !time_is_up && must_tell_anew(m_ledger)) {
            tell_anew(deadline);
            return;
        }
        if (waiting.letters.empty()) {
            finish();
            // What stays there although nothing could be read of it must not keep us here.
            const bool time_left = remaining(world(), deadline) > Duration::zero();
            m_finished =
                outbox().count_waiting(name(), delivered, hold) == 0 || waiting.total > 0 || !time_left;
            return;
        }
        if (time_is_up || !may_try(m_ledger)) {
            finish();
            return;
        }
        const Now now = world().clock.now();
        const MergePolicy policy{m_delivery.m_settings.merge_after, m_separately ? k_most_at_once : 3};
        if (const std::size_t torn = torn_letters(waiting.letters); torn > 0) {
            waiting.letters.resize(torn); // the rest of what has begun to arrive, not that with others
        }
        const Batch batch = m_separately || !m_channel.puts_together() || waiting.letters.size() == 1
                                ? Batch{1, waiting.letters.front().message, false}
                                : next_batch(waiting.letters, now.wall, policy, m_delivery.m_settings.voice);
        waiting.letters.resize(batch.letters);
        m_letters = std::move(waiting.letters);
        begin(draft_of(batch, now), deadline);
    }

    // So many from the front are those of the message whose beginning has arrived; 0: they are not.
    [[nodiscard]] std::size_t torn_letters(const std::vector<Letter>& waiting) const {
        const std::vector<std::string>& torn = m_ledger.torn.letters;
        const bool same =
            torn.size() <= waiting.size() &&
            std::equal(torn.begin(), torn.end(), waiting.begin(),
                       [](const std::string& name, const Letter& it) { return name == it.name; });
        return same ? torn.size() : 0;
    }

    Draft draft_of(const Batch& batch, const Now& now) {
        Draft draft;
        draft.message = batch.message;
        if (const std::size_t torn = torn_letters(m_letters); torn > 0 && torn == m_letters.size()) {
            draft.first_part = FirstPart{m_ledger.torn.digest, m_ledger.torn.message_id};
        }
        draft.maybe_again = std::any_of(m_letters.begin(), m_letters.end(), [this](const Letter& letter) {
            return letter.state == Letter::State::begun || contains(m_ledger.begun, letter.name);
        });
        const Duration age = now.wall - batch.message.time;
        if (!batch.merged && age >= m_delivery.m_settings.merge_after) {
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
            const std::string& zone = m_delivery.m_settings.voice.timezone;
            const std::string when = format_local(batch.message.time, zone).substr(0, 16);
            const Letter::State state = m_letters.front().state;
            draft.late = state == Letter::State::later   ? say(k_waited, when)
                         : state == Letter::State::muted ? say(k_was_muted, when)
                                                         : say(k_late, spoken(seconds), when);
        }
        if (!batch.merged) {
            draft.answers = opening_of(m_ledger, batch.message);
        }
        draft.chat = moved_chat(m_ledger, m_channel);
        draft.told_elsewhere = told_elsewhere();
        for (const Subject& subject : batch.message.subjects) {
            const auto last = m_ledger.told.find(identity(subject));
            if (last != m_ledger.told.end() && !is_over(last->second.event)) {
                draft.told_before[identity(subject)] = last->second.level;
            }
        }
        return draft;
    }

    // It is news no more to who has read the other channels.
    [[nodiscard]] Text told_elsewhere() const {
        std::set<std::string> channels;
        const Lent lent = lent_of(m_delivery.m_world, m_delivery.m_settings, name());
        for (const Letter& letter : m_letters) {
            if (const auto others = lent.find(letter.name); others != lent.end()) {
                channels.insert(others->second.begin(), others->second.end());
            }
        }
        return channels.empty() ? Text{}
                                : say(k_told_elsewhere, fmt::format("{}", fmt::join(channels, ", ")));
    }

    // ── what is open, for a channel that forgets ──

    [[nodiscard]] std::vector<Subject> open_incidents(const Ledger& ledger) const {
        std::vector<Subject> open;
        for (const auto& [id, told] : ledger.told) {
            // What has no id is a notice, and nothing tells its end.
            const bool is_incident = id.find(':') == std::string::npos;
            if (is_incident && !is_over(told.event)) {
                open.push_back({id, told.check, told.event, told.level, told.summary, told.hint, told.since});
            }
        }
        return open;
    }

    bool must_tell_anew(const Ledger& ledger) {
        const std::optional<Duration> after = m_channel.told_anew_after();
        const Duration passed = world().clock.now().wall - ledger.told_anew;
        const bool due = after && (passed < Duration::zero() || passed >= *after);
        return due && !open_incidents(ledger).empty();
    }

    // Nothing is lost when this does not arrive, so nothing is marked before.
    void tell_anew(SteadyTime deadline) {
        Draft draft;
        draft.still_open = open_incidents(m_ledger);
        draft.message.time = world().clock.now().wall;
        m_letters.clear();
        m_before.clear();
        m_noted.clear();
        m_attempt.emplace(world(), m_channel, std::move(draft), deadline);
    }

    // Marks the letters before the first byte leaves: should we die, the next run knows that they may have
    // arrived.
    void begin(Draft draft, SteadyTime deadline) {
        m_before.clear();
        for (const Letter& letter : m_letters) {
            m_before.push_back(letter.state);
        }
        m_noted.clear();
        if (const Result<void> begun = outbox().begin(name(), m_letters); !begun) {
            // A disk that has turned full or read-only must not keep here what waits to be told.
            storage_problem(say(k_outbox_trouble, error_words(begun.error().message)));
            draft.unstored = say(k_unmarked, error_words(begun.error().message));
            mark_in_ledger();
        }
        m_attempt.emplace(world(), m_channel, std::move(draft), deadline);
    }

    void mark_in_ledger() {
        for (const Letter& letter : m_letters) {
            if (!contains(m_ledger.begun, letter.name)) {
                m_noted.push_back(letter.name);
            }
        }
        m_ledger.begun.insert(m_ledger.begun.end(), m_noted.begin(), m_noted.end());
        save(world().clock.now().wall);
    }

    void settle(const Draft& draft, const Outcome& outcome, SteadyTime deadline) {
        using Kind = Outcome::Kind;
        const bool time_left = remaining(world(), deadline) >= k_shortest_attempt;
        switch (outcome.kind) {
        case Kind::accepted:
            accepted(draft, outcome);
            return;
        case Kind::moved:
            if (m_ledger.moved_to != outcome.chat && time_left && !std::exchange(m_followed, true)) {
                follow(draft, outcome, deadline);
                return;
            }
            break;
        case Kind::later:
            if (outcome.resolver_failed && draft.address.empty() && !m_ledger.address.empty() && time_left) {
                Draft again = draft;
                again.address = m_ledger.address;
                m_attempt.emplace(world(), m_channel, std::move(again), deadline);
                return;
            }
            break;
        case Kind::message_refused:
            refused_message(outcome);
            return;
        case Kind::refused:
            doubt_message(outcome);
            return;
        case Kind::
            channel_refused: // the letters are not at fault: they wait until somebody mends the channel
        case Kind::unknown:
            break;
        }
        failed(outcome);
    }

    void accepted(const Draft& draft, const Outcome& outcome) {
        const WallTime now = world().clock.now().wall;
        remember(draft.message, outcome, now);
        m_ledger.sent.insert(m_ledger.sent.end(), static_cast<std::size_t>(std::max(1, outcome.messages)),
                             now);
        if (m_letters.empty()) {
            m_ledger.told_anew = now;
        }
        m_ledger.trouble = {};
        note_shortfall(outcome, now);
        m_ledger.torn = {};
        if (!outcome.address.empty()) {
            m_ledger.address = outcome.address;
        }
        save(now);
        for (const Letter& letter : m_letters) {
            // One that cannot be removed stands among the delivered and is not sent again.
            [[maybe_unused]] const Result<void> removed = outbox().remove(name(), letter);
        }
        m_report.sent += m_letters.empty() ? 0 : 1;
        for (const Doubted& doubted : std::exchange(m_doubted, {})) {
            reject(doubted.letter, doubted.outcome);
        }
    }

    // Logged when it begins and when it changes; it is shown as long as it lasts.
    void note_shortfall(const Outcome& outcome, WallTime now) {
        if (!outcome.problem.empty() && outcome.problem != m_ledger.shortfall.problem) {
            m_report.log.push_back({now, "warning", fmt::format("{}: {}", name(), outcome.problem.en)});
        }
        m_ledger.shortfall = {outcome.problem, outcome.hint, m_channel.fingerprint()};
    }

    void remember(const Message& message, const Outcome& outcome, WallTime now) {
        for (const Letter& letter : m_letters) {
            m_ledger.delivered.push_back(letter.name);
            std::erase(m_ledger.begun, letter.name);
            note_told(m_ledger, letter.message);
        }
        note_opening(m_ledger, message, outcome, now);
    }

    // Accepted before and still here: removing it had failed, or a power cut brought it back.
    void drop(const std::vector<Letter>& delivered) {
        m_lying.clear();
        for (const Letter& letter : delivered) {
            if (const Result<void> removed = outbox().remove(name(), letter); !removed) {
                m_lying.insert(letter.name);
                storage_problem(say(k_outbox_trouble, error_words(removed.error().message)));
            }
        }
    }

    void follow(const Draft& draft, const Outcome& outcome, SteadyTime deadline) {
        m_ledger.moved_from = m_channel.chat();
        m_ledger.moved_to = outcome.chat;
        save(world().clock.now().wall);
        Draft again = draft;
        again.chat = outcome.chat;
        again.answers.reset(); // message ids of the old chat mean nothing in the new one
        again.first_part.reset();
        m_ledger.torn = {};
        m_ledger.openings.clear();
        m_attempt.emplace(world(), m_channel, std::move(again), deadline);
    }

    // Put together they are refused: one by one it shows which is at fault.
    void refused_message(const Outcome& outcome) {
        if (m_letters.empty()) { // nothing but what is told anew
            failed(outcome);
            return;
        }
        if (m_letters.size() > 1) {
            m_separately = true;
            take_back();
            return;
        }
        reject(m_letters.front(), outcome);
    }

    // Of this message or of every one? When another passes it was this one, and it is set aside.
    void doubt_message(const Outcome& outcome) {
        if (m_letters.empty()) {
            failed(outcome);
            return;
        }
        take_back();
        m_separately = m_letters.size() > 1;
        if (m_separately) {
            return;
        }
        Letter letter = m_letters.front();
        letter.state = m_before.front();
        m_passed_over.insert(letter.name);
        m_doubted.push_back({std::move(letter), outcome});
        if (m_doubted.size() >= k_most_doubted) {
            fail_all_doubted();
        }
    }

    // None has passed: it is the channel, and all of them wait.
    void fail_all_doubted() {
        const Outcome first = m_doubted.front().outcome;
        m_doubted.clear();
        m_letters.clear();
        failed(first);
    }

    void reject(const Letter& letter, const Outcome& outcome) {
        m_separately = false; // what is left may go together again
        if (const Result<void> kept = outbox().reject(name(), letter, outcome.problem.en); !kept) {
            // It cannot be moved and would be refused again: those behind it must not wait for that.
            m_passed_over.insert(letter.name);
            storage_problem(say(k_outbox_trouble, error_words(kept.error().message)));
            return;
        }
        ++m_report.rejected;
        m_report.log.push_back(
            {world().clock.now().wall, "rejected",
             fmt::format("{}: {}: {}", name(), outcome.problem.en, log_text(letter.message))});
    }

    // Not now: how long to wait before the next attempt, and what to say of it.
    void failed(const Outcome& outcome) {
        const Now now = world().clock.now();
        Ledger::Trouble& trouble = m_ledger.trouble;
        if (trouble.failures++ == 0 || trouble.lasts(now) < Duration::zero()) {
            trouble.since = now;
        }
        trouble.last_attempt = now;
        trouble.refused = outcome.kind == Outcome::Kind::channel_refused;
        trouble.asked_by_server = outcome.wait.has_value();
        const Duration longest = trouble.refused ? k_longest_wait_refused : k_longest_wait;
        trouble.wait = outcome.wait ? std::min(*outcome.wait, Ledger::k_longest_wait)
                                    : wait_after(trouble.failures, longest, now);
        trouble.fingerprint = m_channel.fingerprint();
        trouble.problem = outcome.problem;
        trouble.hint = outcome.hint;
        note_first_part(outcome, now.wall);
        m_failed = true;
        if (outcome.kind != Outcome::Kind::unknown) {
            take_back();
        }
        save(now.wall);
        if (outbox().count_waiting(name()) > 0) {
            m_report.next_try = std::min(m_report.next_try.value_or(trouble.wait), trouble.wait);
        }
        finish();
    }

    void note_first_part(const Outcome& outcome, WallTime now) {
        if (!outcome.first_part || m_letters.empty()) {
            return;
        }
        if (m_ledger.torn.digest != outcome.first_part->digest) {
            m_ledger.sent.push_back(now); // the server has counted it
        }
        m_ledger.torn = {{}, outcome.first_part->digest, outcome.first_part->message_id};
        for (const Letter& letter : m_letters) {
            m_ledger.torn.letters.push_back(letter.name);
        }
    }

    // Surely not accepted this time; what an earlier attempt may have brought there keeps its mark.
    void take_back() {
        std::erase_if(m_ledger.begun, [&](const std::string& letter) { return contains(m_noted, letter); });
        for (const Letter::State before :
             {Letter::State::fresh, Letter::State::later, Letter::State::muted}) {
            std::vector<Letter> unmarked;
            for (std::size_t i = 0; i < m_letters.size(); ++i) {
                if (m_before[i] == before) {
                    unmarked.push_back(m_letters[i]);
                }
            }
            // Where this fails they only carry a mark that they need not.
            [[maybe_unused]] const Result<void> taken_back = outbox().unbegin(name(), unmarked, before);
        }
    }

    void save(WallTime now) {
        m_ledger.forget_old(now, m_delivery.m_settings.key_window, m_lying);
        ++m_ledger.revision;
        const KeptState::SaveResult saved = m_file.save(to_json(m_ledger));
        if (saved.where == KeptState::Saved::nowhere) {
            problem(Status::warning, say(k_memory_trouble, error_words(saved.problem->message)));
        } else if (saved.where == KeptState::Saved::stopgap) {
            storage_problem(say(k_outbox_trouble, error_words(saved.problem->message)));
        }
    }

    void finish() {
        m_lock.release();
        m_took_over = false;
        m_finished = true;
    }

    void problem(Status status, Text message) {
        add_problem(m_report.problems, {name(), status, std::move(message), {}});
    }

    void storage_problem(Text message) {
        add_problem(m_report.problems, {name(), Status::critical, std::move(message),
                                        say(k_outbox_hint, outbox().folder().string()), false, true});
    }

    Delivery& m_delivery;
    const Channel& m_channel;
    Patience m_patience;
    DeliveryReport& m_report;
    KeptState m_file;
    Lock m_lock;
    Ledger m_ledger;
    std::vector<Letter> m_letters;       // on their way
    std::vector<Letter::State> m_before; // what they were before this attempt
    std::vector<std::string> m_noted;    // those that are begun in the ledger since this attempt
    Outbox::Names m_lying;               // delivered, but cannot be removed
    Outbox::Names m_passed_over;         // refused, and still there: not again by this flush
    struct Doubted {
        Letter letter;
        Outcome outcome;
    };
    std::vector<Doubted> m_doubted; // passed over since the last message that was accepted
    bool m_in_stopgap = false;      // the ledger was found elsewhere than in the outbox
    std::optional<Attempt> m_attempt;
    bool m_took_over =
        false; // the channel is ours to empty, with or (where none can be had) without its lock
    bool m_separately = false;
    bool m_failed = false;
    bool m_followed = false; // to where the chat has moved: who is sent on and on is led in circles
    bool m_finished = false;
};

// ── the whole ────────────────────────────────────────────────────────────────────────────────────────────

Delivery::Delivery(World& world, DeliverySettings settings, std::vector<std::unique_ptr<Channel>> channels)
    : m_world(world), m_settings(std::move(settings)), m_channels(std::move(channels)),
      m_outbox(world.files, m_settings.state / "outbox", m_settings.limits) {}

Delivery::~Delivery() = default;

bool matches(const AlertRoute& route, const Subject& subject, Level level) {
    const auto any = [](const std::vector<std::string>& patterns, std::string_view text) {
        return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) {
                   return wildcard_match(pattern, text);
               });
    };
    const bool level_fits = route.levels.empty() ||
                            std::find(route.levels.begin(), route.levels.end(), level) != route.levels.end();
    const auto names = [&](std::string_view check) {
        return any(route.tools, check.substr(0, check.find('/'))) && any(route.checks, check);
    };
    return level_fits && (names(subject.check) || (!subject.key.empty() && names(k_by_hand)));
}

std::optional<Duration> escalation_after(const std::vector<AlertRoute>& routes, const Subject& subject,
                                         Level level) {
    const auto first = std::find_if(routes.begin(), routes.end(),
                                    [&](const AlertRoute& route) { return matches(route, subject, level); });
    return first == routes.end() ? std::nullopt : first->escalate_after;
}

bool Delivery::is_for(const Channel& channel, const Subject& subject, Level level) const {
    for (const AlertRoute& route : m_settings.routes) {
        if (matches(route, subject, level)) {
            const bool escalates = subject.event == Event::escalated && !route.escalate_to.empty();
            return leads_to(escalates ? route.escalate_to : route.to, channel);
        }
    }
    return true;
}

// A route to nowhere (its channels are not usable) must not swallow alerts.
bool Delivery::leads_to(const std::vector<std::string>& to, const Channel& channel) const {
    const bool leads_somewhere = std::any_of(m_channels.begin(), m_channels.end(),
                                             [&](const auto& other) { return contains(to, other->name()); });
    return !leads_somewhere || contains(to, channel.name());
}

std::vector<Outgoing> Delivery::letters(const News& news) {
    std::vector<Outgoing> letters;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        News part = news;
        // Looked up only where there is an end to tell.
        std::optional<Known> known;
        const auto heard_of = [&](const Subject& subject) {
            if (!known) {
                known = known_to(m_world, m_outbox, m_settings, channel->name());
            }
            const auto last = known->told.find(identity(subject));
            return last != known->told.end() && !is_over(last->second.event);
        };
        std::erase_if(part.items, [&](const NewsItem& item) {
            const Subject subject = subject_of(item, m_settings.voice);
            const bool ends_here = is_over(item.event) && heard_of(subject);
            return !ends_here && !is_for(*channel, subject, level_of(item.incident));
        });
        if (std::optional<Message> message = compose(part, m_settings.voice)) {
            letters.push_back({channel->name(), std::move(*message)});
        }
    }
    return letters;
}

std::vector<LastWord> Delivery::last_words(const std::string& tool) {
    std::map<std::string, Ledger::Told> words;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        for (const auto& [id, told] : known_to(m_world, m_outbox, m_settings, channel->name()).told) {
            if (told.check.starts_with(tool + "/")) {
                take_later(words, id, told);
            }
        }
    }
    std::vector<LastWord> last;
    for (const auto& [id, told] : words) {
        last.push_back(last_word(id, told, tool));
    }
    return last;
}

std::vector<Outgoing> Delivery::address(const Message& message) {
    std::vector<Outgoing> messages;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        if (wants(*channel, message)) {
            messages.push_back({channel->name(), message});
        }
    }
    return messages;
}

// The end of what was told goes to who heard of it. A key that tells of no incident is told once in its window.
bool Delivery::wants(const Channel& channel, const Message& message) {
    Subject by_hand;
    by_hand.check = k_by_hand;
    const Subject& subject = message.subjects.empty() ? by_hand : message.subjects.front();
    const bool ends = !message.subjects.empty() && is_over(subject.event);
    if (!ends && !is_for(channel, subject, message.level)) {
        return false;
    }
    if (!ends && (message.key.empty() || !message.subjects.empty())) {
        return true;
    }
    const Known known = known_to(m_world, m_outbox, m_settings, channel.name());
    if (ends) {
        const auto last = known.told.find(identity(subject));
        return last != known.told.end() && !is_over(last->second.event);
    }
    const auto told = known.keys.find(message.key);
    return told == known.keys.end() ||
           // A clock that was set back must not silence it for longer than that.
           std::chrono::abs(message.time - told->second) >= m_settings.key_window;
}

Delivery::Stored Delivery::store_each(const std::vector<Outgoing>& letters) {
    Stored stored;
    std::optional<RunId> logged;
    for (const Outgoing& letter : letters) {
        const Message& message = letter.message;
        // Once in the log, however many channels it goes to.
        if (logged != message.run) {
            logged = message.run;
            stored.report.log.push_back(
                {message.time, std::string(to_string(message.level)), log_text(message)});
        }
        const std::string& name = letter.channel;
        const Result<Outbox::Put> put = m_outbox.put(name, message);
        if (!put) {
            stored.failed.push_back(letter);
            stored.why = put.error();
            continue;
        }
        ++stored.report.queued;
        stored.report.queued_for.push_back(name);
        note_dropped(stored.report, name, *put, message.time);
    }
    return stored;
}

Result<DeliveryReport> Delivery::store(const Message& message) {
    Stored stored = store_each(address(message));
    return stored.why ? Result<DeliveryReport>(*stored.why) : std::move(stored.report);
}

// Half of the time that is left: the copies are to be sent in the other.
std::set<std::string> Delivery::stand_in_for_failing(SteadyTime deadline, DeliveryReport& report) {
    Failover failover(m_world, m_settings, m_outbox, m_channels,
                      [this](const Ledger& ledger) { return hold_of(ledger); });
    const SteadyTime now = m_world.clock.steady();
    const Failover::Copies copies = failover.lend(now + (deadline - now) / 2);
    report.queued += static_cast<int>(copies.to.size());
    report.queued_for.insert(report.queued_for.end(), copies.to.begin(), copies.to.end());
    for (const auto& [channel, gave_way] : copies.gave_way) {
        note_dropped(report, channel, gave_way, m_world.clock.now().wall);
    }
    return {copies.to.begin(), copies.to.end()};
}

DeliveryReport Delivery::flush(SteadyTime deadline, Patience patience) {
    DeliveryReport report;
    std::map<std::string, Flusher> flushers;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        flushers.try_emplace(channel->name(), *this, *channel, patience, report);
    }
    const SteadyTime began = m_world.clock.steady();
    const SteadyTime half = began + (deadline - began) / 2;
    bool stood_in = false;
    // All channels at once: one that hangs does not hold up the others.
    for (;;) {
        const SteadyTime until = stop_requested() ? m_world.clock.steady() : deadline;
        bool finished = true;
        for (auto& [name, flusher] : flushers) {
            finished = !flusher.step(until) && finished;
        }
        // What is new comes first; what hangs must not take the time of those who could tell it.
        if (!stood_in && (finished || m_world.clock.steady() >= half)) {
            stood_in = true;
            for (const std::string& name : stand_in_for_failing(until, report)) {
                flushers.at(name).look_again();
                finished = false;
            }
            continue;
        }
        if (finished) {
            break;
        }
        wait_a_little(m_world, until);
    }
    report.waiting = count_waiting();
    report.why_waiting = why_waiting();
    std::set<std::string> stuck;
    for (ChannelProblem& problem : problems()) {
        if (problem.needs_person) {
            report.stuck += static_cast<int>(count_waiting(problem.channel));
            stuck.insert(problem.channel);
        }
        add_problem(report.problems, std::move(problem));
    }
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        if (report.waiting > 0 && !stuck.contains(channel->name())) {
            const Ledger ledger = recall(m_world, m_settings, channel->name()).ledger;
            report.kept += static_cast<int>(count_kept(channel->name(), ledger));
        }
    }
    return report;
}

Pause Delivery::pause_of(const Ledger& ledger) const {
    const WallTime now = m_world.clock.now().wall;
    if (is_within(now, m_settings.quiet, m_settings.voice.timezone)) {
        return Pause::quiet_hours;
    }
    const bool full = m_settings.per_hour > 0 &&
                      ledger.sent_within(k_hour, now) >= static_cast<std::size_t>(m_settings.per_hour);
    return full ? Pause::hour_is_full : Pause::none;
}

bool Delivery::is_muted() {
    return silences_words(m_world.files, m_settings.markers, m_settings.always_muted, m_world.clock.now());
}

Outbox::Hold Delivery::hold_of(const Ledger& ledger) {
    return is_muted()                        ? Outbox::Hold::later_and_muted
           : pause_of(ledger) == Pause::none ? Outbox::Hold::nothing
                                             : Outbox::Hold::later;
}

Pause Delivery::pause() {
    if (m_channels.empty()) {
        return Pause::none;
    }
    Pause least = Pause::hour_is_full;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        least = std::min(least, pause_of(recall(m_world, m_settings, channel->name()).ledger));
    }
    return least;
}

// By the channel that has room first, as pause() does.
std::optional<WallTime> Delivery::pause_until() {
    const WallTime now = m_world.clock.now().wall;
    switch (pause()) {
    case Pause::none:
        return std::nullopt;
    case Pause::quiet_hours: {
        WallTime end = std::chrono::floor<std::chrono::minutes>(now);
        const WallTime tomorrow = end + std::chrono::days(1);
        do {
            end += std::chrono::minutes(1);
        } while (end < tomorrow && is_within(end, m_settings.quiet, m_settings.voice.timezone));
        return end;
    }
    case Pause::hour_is_full:
        break;
    }
    std::optional<WallTime> first;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        std::vector<WallTime> lately = recall(m_world, m_settings, channel->name()).ledger.sent;
        std::erase_if(lately, [&](WallTime time) { return time > now || now - time >= k_hour; });
        std::sort(lately.begin(), lately.end());
        const auto limit = static_cast<std::size_t>(m_settings.per_hour);
        if (lately.size() >= limit) {
            const WallTime room = lately[lately.size() - limit] + k_hour;
            first = std::min(first.value_or(room), room);
        }
    }
    return first;
}

std::vector<Delivery::Struggle> Delivery::struggles() {
    std::vector<Struggle> all;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        const Ledger::Trouble trouble = recall(m_world, m_settings, channel->name()).ledger.trouble;
        if (trouble.failures > 0 && trouble.fingerprint == channel->fingerprint()) {
            all.push_back({channel->name(), trouble.failures, trouble.since.wall, trouble.problem});
        }
    }
    return all;
}

std::size_t Delivery::messages_of_the_hour() {
    if (!m_messages_of_the_hour) {
        m_messages_of_the_hour = 0;
        for (const std::unique_ptr<Channel>& channel : m_channels) {
            note_messages(recall(m_world, m_settings, channel->name()).ledger);
        }
    }
    return *m_messages_of_the_hour;
}

void Delivery::note_messages(const Ledger& ledger) {
    const std::size_t messages = ledger.sent_within(k_hour, m_world.clock.now().wall);
    m_messages_of_the_hour = std::max(m_messages_of_the_hour.value_or(0), messages);
}

std::size_t Delivery::count_kept(const std::string& channel, const Ledger& ledger) {
    const Outbox::Names delivered = delivered_of(ledger);
    return m_outbox.count_waiting(channel, delivered) -
           m_outbox.count_waiting(channel, delivered, hold_of(ledger));
}

int Delivery::count_waiting() {
    std::size_t waiting = 0;
    for (const std::string& channel : m_outbox.channels()) {
        waiting += count_waiting(channel);
    }
    return static_cast<int>(waiting);
}

Delivery::Backlog Delivery::backlog() {
    Backlog backlog;
    backlog.waiting = count_waiting();
    backlog.rejected = static_cast<int>(rejected_messages(m_world.files, m_outbox.folder()).size());
    for (const std::string& channel : m_outbox.channels()) {
        const Ledger ledger = recall(m_world, m_settings, channel).ledger;
        backlog.kept += static_cast<int>(count_kept(channel, ledger));
        const std::optional<WallTime> since = m_outbox.waiting_since(channel, delivered_of(ledger));
        if (since && (!backlog.since || *since < *backlog.since)) {
            backlog.since = since;
        }
    }
    return backlog;
}

std::size_t Delivery::count_waiting(const std::string& channel) {
    return m_outbox.count_waiting(channel, delivered_of(recall(m_world, m_settings, channel).ledger));
}

std::optional<ChannelProblem> Delivery::problem_of(const Channel& channel, const Ledger& ledger) {
    const Ledger::Trouble& trouble = ledger.trouble;
    if (trouble.failures > 0 && trouble.fingerprint != channel.fingerprint()) {
        return std::nullopt; // the settings have changed since: nobody knows yet
    }
    if (trouble.refused) {
        return ChannelProblem{channel.name(), Status::critical, say(k_refuses, trouble.problem), trouble.hint,
                              true};
    }
    return waits_long(channel, ledger);
}

// Whatever the reason: sending fails, or nobody gets to try because one process holds the lock for ever. What
// merely lies there, because nothing ran for hours, is sent by this run.
std::optional<ChannelProblem> Delivery::waits_long(const Channel& channel, const Ledger& ledger) {
    const std::optional<WallTime> since = m_outbox.waiting_since(channel.name(), delivered_of(ledger));
    if (!since || m_world.clock.now().wall - *since < k_long_wait) {
        return std::nullopt;
    }
    const std::string when = format_local(*since, m_settings.voice.timezone).substr(0, 16);
    ChannelProblem problem{channel.name(), Status::warning, {}, {}};
    if (is_held_by_another(channel)) {
        const std::string lock = lock_of(m_settings, channel.name()).string();
        problem.message = say(k_waiting_since, when, say(k_nobody_sends, lock));
        problem.hint = say(k_nobody_sends_hint, lock);
        return problem;
    }
    problem.message = say(k_waiting_since, when, ledger.trouble.problem);
    problem.hint = ledger.trouble.hint;
    return ledger.trouble.failures > 0 ? std::optional(std::move(problem)) : std::nullopt;
}

bool Delivery::is_held_by_another(const Channel& channel) {
    const bool was_locked_once = m_world.files.info(lock_of(m_settings, channel.name())).ok();
    const Result<Lock> lock = was_locked_once ? lock_channel(m_world, m_settings, channel.name())
                                              : Result<Lock>(Error{ErrorKind::not_found, ""});
    return !lock && lock.error().kind == ErrorKind::busy;
}

Text Delivery::why_waiting() {
    Text words;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        const Ledger::Trouble trouble = recall(m_world, m_settings, channel->name()).ledger.trouble;
        const bool failed = trouble.failures > 0 && trouble.fingerprint == channel->fingerprint();
        if (failed && count_waiting(channel->name()) > 0) {
            words = join("; ", {words, say(k_of_channel, channel->name(), trouble.problem)});
        }
    }
    return words;
}

std::vector<ChannelProblem> Delivery::problems() {
    std::vector<ChannelProblem> problems;
    m_messages_of_the_hour = 0;
    for (const std::unique_ptr<Channel>& channel : m_channels) {
        const Recalled recalled = recall(m_world, m_settings, channel->name());
        note_messages(recalled.ledger);
        if (std::optional<ChannelProblem> problem = problem_of(*channel, recalled.ledger)) {
            problems.push_back(std::move(*problem));
        }
        if (const Ledger::Shortfall& shortfall = recalled.ledger.shortfall;
            !shortfall.problem.empty() && shortfall.fingerprint == channel->fingerprint()) {
            add_problem(problems, {channel->name(), Status::warning, shortfall.problem, shortfall.hint});
        }
        if (const std::size_t rejected = m_outbox.count_rejected(channel->name()); rejected > 0) {
            add_problem(problems, {channel->name(), Status::warning, say(k_rejected, rejected),
                                   say(k_rejected_hint, (m_outbox.folder() / "rejected").string())});
        }
        // Perhaps an alert that nobody was told of.
        if (const std::size_t damaged = m_outbox.count_damaged(channel->name()); damaged > 0) {
            add_problem(problems, {channel->name(), Status::warning, say(k_damaged, damaged),
                                   say(k_rejected_hint, (m_outbox.folder() / "damaged").string())});
        }
        if (!recalled.stopgap.empty()) {
            add_problem(problems, {channel->name(), Status::critical,
                                   say(k_outbox_in_stopgap, recalled.stopgap.string()),
                                   say(k_outbox_hint, m_outbox.folder().string()), false, true});
        }
    }
    for (const std::string& waiting : m_outbox.channels()) {
        const bool usable = std::any_of(m_channels.begin(), m_channels.end(),
                                        [&](const auto& channel) { return channel->name() == waiting; });
        if (!usable) {
            add_problem(problems,
                        {waiting, Status::warning, say(k_not_configured, count_waiting(waiting)), {}, true});
        }
    }
    return problems;
}

DeliveryReport Delivery::tell(const News& news, SteadyTime deadline, const WhenStored& stored) {
    return deliver(letters(news), deadline, stored);
}

DeliveryReport Delivery::tell(const Message& message, SteadyTime deadline, const WhenStored& stored) {
    return deliver(address(message), deadline, stored);
}

DeliveryReport Delivery::deliver(std::vector<Outgoing> letters, SteadyTime deadline,
                                 const WhenStored& stored) {
    DeliveryReport told = hand_over(letters, deadline);
    if (stored) {
        stored();
    }
    return together(std::move(told), flush(deadline));
}

DeliveryReport Delivery::hand_over(std::vector<Outgoing>& letters, SteadyTime deadline) {
    leave_out_known(letters);
    Stored stored = store_each(letters);
    letters = std::move(stored.failed);
    if (!stored.why) {
        return std::move(stored.report);
    }
    DeliveryReport report = std::move(stored.report);
    if (std::any_of(letters.begin(), letters.end(), [&](const Outgoing& it) { return must_queue(it); })) {
        report = together(std::move(report), flush(deadline));
    }
    return together(std::move(report), send_unstored(letters, *stored.why, deadline));
}

// What a run tells stands in its state until it is sent, so it can wait for what lies in the outbox: no end comes
// before its beginning. Somebody's own words exist nowhere else.
bool Delivery::must_queue(const Outgoing& letter) {
    return !letter.message.run.epoch.empty() && count_waiting(letter.channel) > 0;
}

void Delivery::leave_out_known(std::vector<Outgoing>& letters) {
    std::map<std::string, Known> known;
    std::erase_if(letters, [&](const Outgoing& letter) {
        if (!known.contains(letter.channel)) {
            known[letter.channel] = known_to(m_world, m_outbox, m_settings, letter.channel);
        }
        return is_known(known[letter.channel], letter.message);
    });
}

const Channel* Delivery::find_channel(const std::string& name) const {
    const auto found = std::find_if(m_channels.begin(), m_channels.end(),
                                    [&](const auto& channel) { return channel->name() == name; });
    return found == m_channels.end() ? nullptr : found->get();
}

// Those that get through are taken out of `letters`. One after the other in a channel, so that no end comes before
// its beginning; a channel that fails once is left alone.
DeliveryReport Delivery::send_unstored(std::vector<Outgoing>& letters, const Error& why,
                                       SteadyTime deadline) {
    DeliveryReport report;
    report.stored = false;
    report.storage_problem = error_words(why.message);
    std::set<std::string> done_with;
    do {
        std::vector<Unstored> wave = next_wave(letters, done_with, why, deadline);
        if (wave.empty()) {
            break;
        }
        wait_for(wave, deadline);
        // From behind: taking one out moves those after it.
        for (auto sent = wave.rbegin(); sent != wave.rend(); ++sent) {
            const Outgoing& letter = letters[sent->at];
            const Outcome outcome = sent->attempt->take_outcome();
            if (outcome.kind == Outcome::Kind::accepted) {
                ++report.sent;
                ++report.sent_unstored;
                report.reached_unstored.push_back(letter.channel);
                remember_unstored(*find_channel(letter.channel), letter.message, outcome);
                letters.erase(letters.begin() + static_cast<std::ptrdiff_t>(sent->at));
            } else {
                add_problem(report.problems,
                            {letter.channel, Status::critical, outcome.problem, outcome.hint});
                done_with.insert(letter.channel);
            }
        }
    } while (!stop_requested() && remaining(m_world, deadline) >= k_shortest_attempt);
    for (const Outgoing& letter : letters) {
        report.missed_unstored.push_back(letter.channel);
    }
    return report;
}

// The first letter of each channel, on its way. Of a channel that is no longer configured they are for the outbox,
// once that can be written.
std::vector<Delivery::Unstored> Delivery::next_wave(const std::vector<Outgoing>& letters,
                                                    std::set<std::string> done_with, const Error& why,
                                                    SteadyTime deadline) {
    std::vector<Unstored> wave;
    for (std::size_t at = 0; at < letters.size(); ++at) {
        const Outgoing& letter = letters[at];
        const Channel* channel = find_channel(letter.channel);
        if (channel == nullptr || done_with.contains(letter.channel) || must_queue(letter)) {
            continue;
        }
        done_with.insert(letter.channel);
        Draft draft;
        const Ledger ledger = recall(m_world, m_settings, letter.channel).ledger;
        draft.answers = opening_of(ledger, letter.message);
        draft.chat = moved_chat(ledger, *channel);
        draft.message = letter.message;
        draft.unstored = say(k_unstored, error_words(why.message));
        wave.push_back({at, std::make_unique<Attempt>(m_world, *channel, std::move(draft), deadline)});
    }
    return wave;
}

void Delivery::wait_for(const std::vector<Unstored>& wave, SteadyTime deadline) {
    const auto all_done = [&] {
        return std::all_of(wave.begin(), wave.end(),
                           [](const Unstored& sent) { return sent.attempt->done(); });
    };
    while (!all_done() && !stop_requested() && remaining(m_world, deadline) > Duration::zero()) {
        wait_a_little(m_world, deadline);
    }
}

// The disk that refused the message has room elsewhere for a word about it: the end answers this opening, and a
// text with the same key does not come every minute.
void Delivery::remember_unstored(const Channel& channel, const Message& message, const Outcome& outcome) {
    const WallTime now = m_world.clock.now().wall;
    const Result<Lock> lock = lock_channel(m_world, m_settings, channel.name());
    if (!lock && lock.error().kind == ErrorKind::busy) {
        return; // another process has the ledger in its hands and would not see ours
    }
    KeptState file = ledger_file(m_world, m_settings, channel.name());
    Ledger ledger = recall(file, now, StateFile::Access::owner).ledger;
    note_told(ledger, message);
    note_opening(ledger, message, outcome, now);
    ++ledger.revision;
    file.save(to_json(ledger));
}

// Whoever empties the channel now has its memory in his hands; he is done within seconds, and is not waited for longer
// than an operator would notice.
void Delivery::count_answer(const std::string& channel, int messages) {
    constexpr Duration k_longest = std::chrono::milliseconds(500);
    const SteadyTime end = m_world.clock.steady() + k_longest;
    Result<Lock> lock = lock_channel(m_world, m_settings, channel);
    while (!lock && lock.error().kind == ErrorKind::busy && m_world.clock.steady() < end) {
        m_world.clock.sleep_for(Duration(10));
        lock = lock_channel(m_world, m_settings, channel);
    }
    if (!lock && lock.error().kind == ErrorKind::busy) {
        return;
    }
    const WallTime now = m_world.clock.now().wall;
    KeptState file = ledger_file(m_world, m_settings, channel);
    Ledger ledger = recall(file, now, StateFile::Access::owner).ledger;
    ledger.sent.insert(ledger.sent.end(), static_cast<std::size_t>(std::max(1, messages)), now);
    ++ledger.revision;
    file.save(to_json(ledger));
}

Outcome Delivery::try_out(const Channel& channel, const Message& message, SteadyTime deadline) {
    Draft draft;
    draft.message = message;
    draft.chat = moved_chat(recall(m_world, m_settings, channel.name()).ledger, channel);
    Attempt attempt(m_world, channel, std::move(draft), deadline);
    while (!attempt.done() && remaining(m_world, deadline) > Duration::zero()) {
        wait_a_little(m_world, deadline);
    }
    return attempt.take_outcome();
}

std::string Delivery::moved_chat_of(const std::string& channel) {
    const Channel* found = find_channel(channel);
    return found == nullptr ? std::string() : moved_chat(recall(m_world, m_settings, channel).ledger, *found);
}

} // namespace lectio

// A week of minute runs over random faults: judge, words and delivery together, as one phone sees them. How many
// weeks: tests/counts.json, a tenth without LECTIO_SOAK, LECTIO_WEEKS for any other number; LECTIO_SEED sets where they
// begin. Without LECTIO_SOAK the hours in which all has been well for long are gone through in steps.
#include "alerts/merge.h"
#include "story.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <stdexcept>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

constexpr int k_week = 7 * 24 * 60;
constexpr int k_runs_that_flap = 20; // what flapping looks back on

bool is_soak() {
    return std::getenv("LECTIO_SOAK") != nullptr;
}

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : m_random(seed) {}
    int between(int least, int most) { return std::uniform_int_distribution(least, most)(m_random); }
    bool one_in(int n) { return between(1, n) == 1; }

  private:
    std::mt19937_64 m_random;
};

// What a rule of this file says and a week breaks: ends the week, and names the minute.
void must(bool holds, std::string_view what) {
    if (!holds) {
        throw std::runtime_error(std::string(what));
    }
}

// ── one fault after another ─────────────────────────────────────────────────────────────────────────────

struct Fault {
    enum class Kind { steady, unsteady, blinding };
    Kind kind = Kind::steady;
    Status level = Status::critical;
    int minutes = 0; // that it still lasts
    bool mendable = false;
};

class World {
  public:
    World(const Policy& policy, Dice& dice) : m_policy(policy), m_dice(dice) {}

    std::map<std::string, Status> a_minute_later() {
        std::map<std::string, Status> seen;
        for (const CheckPolicy& check : m_policy.checks) {
            Fault& fault = m_faults[check.name];
            fault.minutes = std::max(fault.minutes - 1, 0);
            if (fault.minutes == 0 && m_dice.one_in(1'000)) {
                fault = a_fault();
            }
            seen[check.name] = look_at(fault);
        }
        return seen;
    }

    // Some of what is critical now is mended by the ladder, in the same run.
    std::map<std::string, Status> heal(const std::map<std::string, Status>& seen) {
        std::map<std::string, Status> healed;
        for (const auto& [check, status] : seen) {
            if (status == Status::critical && m_faults[check].mendable && m_dice.one_in(2)) {
                m_faults[check].minutes = 0;
                healed[check] = Status::ok;
            }
        }
        return healed;
    }

    void end_all() { m_faults.clear(); }
    [[nodiscard]] bool is_well() const {
        return std::all_of(m_faults.begin(), m_faults.end(),
                           [](const auto& fault) { return fault.second.minutes == 0; });
    }

  private:
    Fault a_fault() {
        Fault fault;
        fault.kind = m_dice.one_in(4)    ? Fault::Kind::unsteady
                     : m_dice.one_in(10) ? Fault::Kind::blinding
                                         : Fault::Kind::steady;
        fault.level = m_dice.one_in(3) ? Status::warning : Status::critical;
        fault.minutes = m_dice.one_in(2) ? m_dice.between(1, 4) : m_dice.between(5, 120);
        fault.mendable = m_dice.one_in(3);
        return fault;
    }

    Status look_at(const Fault& fault) {
        if (fault.minutes == 0) {
            return Status::ok;
        }
        switch (fault.kind) {
        case Fault::Kind::unsteady:
            return m_dice.one_in(2) ? fault.level : Status::ok;
        case Fault::Kind::blinding:
            return m_dice.one_in(3) ? Status::skipped : Status::unknown;
        case Fault::Kind::steady:
            break;
        }
        return m_dice.one_in(20) ? Status::warning : fault.level;
    }

    const Policy& m_policy;
    Dice& m_dice;
    std::map<std::string, Fault> m_faults;
};

// ── what arrives ────────────────────────────────────────────────────────────────────────────────────────

// An outbox and the chat behind it, which now and then cannot be reached.
class Chat {
  public:
    void put(Message message) {
        must(message.title.size() > 4, "a title says something");
        m_waiting.push_back({std::to_string(++m_number), Letter::State::fresh, std::move(message)});
    }

    void deliver(WallTime now) {
        while (!m_waiting.empty()) {
            Batch batch = next_batch(m_waiting, now, {}, {});
            m_waiting.erase(m_waiting.begin(),
                            m_waiting.begin() + static_cast<std::ptrdiff_t>(batch.letters));
            for (const Subject& subject : batch.message.subjects) {
                take(subject);
            }
        }
    }

    [[nodiscard]] bool is_empty() const { return m_waiting.empty(); }
    [[nodiscard]] std::size_t open() const { return m_open.size(); }

  private:
    void take(const Subject& subject) {
        if (subject.event == Event::note || subject.event == Event::summary) {
            return;
        }
        must(!m_over.contains(subject.id), "nothing is said of what is over");
        const bool over = subject.event == Event::resolved || subject.event == Event::mended ||
                          subject.event == Event::unwatched;
        if (over) {
            m_over.insert(subject.id);
            m_open.erase(subject.id);
        } else {
            const bool opens = subject.event == Event::opened;
            must(m_open.insert(subject.id).second || !opens, "an opening arrives once");
        }
    }

    std::vector<Letter> m_waiting;
    int m_number = 0;
    std::set<std::string> m_open, m_over; // ids
};

// ── the week ────────────────────────────────────────────────────────────────────────────────────────────

class Week {
  public:
    explicit Week(std::uint64_t seed)
        : m_dice(seed), m_story(some_checks(m_dice)), m_world(m_story.policy, m_dice) {
        m_story.through_json = false;
        m_story.policy.zone = "UTC";
        m_story.policy.per_hour = m_dice.one_in(3) ? 4 : 20;
        m_story.policy.quiet = m_dice.one_in(2) ? "23:00-08:00" : "";
        m_story.policy.digest = m_dice.one_in(2) ? "09:00" : "";
    }

    void live() {
        for (m_minute = 0; m_minute < k_week;) {
            m_minute += pass();
            one_run(m_world.a_minute_later());
        }
        // In the end all is well, and the phone knows it by the next evening.
        m_world.end_all();
        m_story.unmute();
        m_story.between = 1min;
        m_away = 0;
        for (int i = 0; i < 36 * 60; i += 5) {
            m_story.between = i < 60 ? 1min : 5min;
            m_minute += 1;
            std::map<std::string, Status> good;
            for (const CheckPolicy& check : m_story.policy.checks) {
                good[check.name] = Status::ok;
            }
            one_run(good);
        }
        m_chat.deliver(m_story.clock.now().wall);
        must(m_chat.open() == 0, "each opening that arrives has its end");
        must(m_story.state.incidents.empty(), "nothing is kept back for ever");
    }

    [[nodiscard]] std::string where() const {
        return fmt::format("minute {} of the week, {}", m_minute, format_utc(m_story.clock.now().wall));
    }

  private:
    static std::vector<CheckPolicy> some_checks(Dice& dice) {
        std::vector<CheckPolicy> checks{
            policy_for("disk", Layer::disk), policy_for("unit", Layer::unit, {"disk"}),
            policy_for("site", Layer::web, {"unit"}), policy_for("queue", Layer::data)};
        for (CheckPolicy& check : checks) {
            check.common.confirm = dice.between(1, 3);
            check.common.recover_confirm = dice.between(1, 2);
            if (dice.one_in(2)) {
                check.escalate_critical = 15min;
            }
        }
        return checks;
    }

    // Minutes until the next run: one, but when all has been well for long.
    int pass() {
        const bool idle = m_well_for > 2 * k_runs_that_flap && m_story.state.incidents.empty() && !is_soak();
        const int minutes = idle ? m_dice.between(1, 30) : 1;
        m_story.between = std::chrono::minutes(minutes);
        return minutes;
    }

    void something_befalls() {
        if (m_quiet_left > 0 && --m_quiet_left == 0) {
            m_story.unmute();
        } else if (m_quiet_left == 0 && m_dice.one_in(1'000)) {
            m_story.mute();
            m_quiet_left = m_dice.between(5, 120);
        }
        if (m_away == 0 && m_dice.one_in(2'000)) {
            m_away = m_dice.between(5, 720); // the chat cannot be reached
        }
        if (m_dice.one_in(3'000)) {
            m_story.clock.reboot(1min);
        }
        for (IncidentState& incident : m_story.state.incidents) {
            incident.acknowledged = incident.acknowledged || (!incident.ended && m_dice.one_in(200));
        }
    }

    void one_run(const std::map<std::string, Status>& seen) {
        something_befalls();
        m_well_for = m_world.is_well() ? m_well_for + 1 : 0;
        Minute minute;
        minute.seen = seen;
        minute.healed = m_story.quiet.active() ? decltype(seen){} : m_world.heal(seen);
        const bool dies = m_dice.one_in(300); // before it has saved anything
        minute.notify = !m_dice.one_in(300);
        const JudgeState before = dies ? m_story.state : JudgeState{};
        News news = m_story.run(minute);
        if (dies) {
            m_story.state = before;
            return;
        }
        count(minute);
        take(news);
        if (minute.notify) {
            nothing_is_kept_back();
        }
        if (m_away > 0) {
            --m_away;
        } else {
            m_chat.deliver(m_story.clock.now().wall);
        }
    }

    // How long each check has failed, by this test's own count.
    void count(const Minute& minute) {
        const bool starting = m_story.clock.now().boot < m_story.policy.boot_grace;
        for (const auto& [check, status] : minute.seen) {
            const bool healed = minute.healed.contains(check);
            const auto is_known = [](Status one) { return one != Status::unknown && one != Status::skipped; };
            if (!is_known(status) || (starting && status != Status::ok)) {
                continue;
            }
            int& critical = m_critical_for[check];
            critical = status == Status::critical && !healed ? critical + 1 : 0;
        }
    }

    void take(const News& news) {
        const std::optional<Message> message = compose(news, {});
        must(message.has_value() == !news.items.empty(), "what is told has words");
        if (!message) {
            return;
        }
        const Now now = m_story.clock.now();
        std::erase_if(m_hour, [&](const Now& told) { return elapsed(told, now) >= 1h; });
        bool is_urgent = false;
        for (const NewsItem& item : news.items) {
            is_urgent |= item.incident.status == Status::critical && !is_over(item.event) &&
                         item.event != Event::reminder && item.event != Event::eased;
            follow(item);
        }
        must(is_urgent || m_hour.size() < static_cast<std::size_t>(m_story.policy.per_hour),
             "beyond per_hour only what is critical and new is told");
        m_hour.push_back(now);
        m_chat.put(*message);
    }

    void follow(const NewsItem& item) {
        const std::string& id = item.incident.id;
        if (item.incident.status == Status::critical) {
            m_alarmed.insert(id);
        }
        const bool is_night = !m_story.policy.quiet.empty() && is_night_now();
        must(!is_night || item.event == Event::summary || m_alarmed.contains(id),
             "nobody is woken by what was never critical");
        if (is_over(item.event)) {
            m_told.erase(id);
        } else if (item.event != Event::note && item.event != Event::summary) {
            m_told[id] = {item.incident.check, item.incident.status};
        }
    }

    [[nodiscard]] bool is_night_now() const {
        const std::string clock = format_local_clock(m_story.clock.now().wall, "UTC");
        return clock >= "23:00" || clock < "08:00";
    }

    // In the very run that confirms it; after a mute in the first run. A consequence stands under its cause.
    void nothing_is_kept_back() {
        if (m_story.quiet.active() || m_story.clock.now().boot < m_story.policy.boot_grace) {
            return;
        }
        for (const CheckPolicy& check : m_story.policy.checks) {
            const int critical_for = m_critical_for[check.name];
            const IncidentState* incident = m_story.state.open_incident(check.name);
            const bool is_symptom =
                !m_story.verdict(check.name).symptom_of.empty() || (incident != nullptr && incident->symptom);
            if (critical_for < check.common.confirm || is_symptom) {
                continue;
            }
            const bool told = std::any_of(m_told.begin(), m_told.end(), [&](const auto& one) {
                return one.second.first == check.name && one.second.second == Status::critical;
            });
            must(told, fmt::format("{} has been critical for {} runs and nobody was told", check.name,
                                   critical_for));
        }
    }

    Dice m_dice;
    mutable Story m_story;
    World m_world;
    Chat m_chat;
    int m_minute = 0, m_well_for = 0, m_quiet_left = 0, m_away = 0;
    std::map<std::string, int> m_critical_for;
    std::map<std::string, std::pair<std::string, Status>> m_told; // by id: the check and the level last told
    std::set<std::string> m_alarmed;                              // ids of what was told as critical
    std::vector<Now> m_hour;                                      // messages
};

} // namespace

TEST_CASE("random weeks: each opening has its end, nothing critical is kept back, and no storm") {
    const std::uint64_t usual = LECTIO_COUNT_WEEKS / (is_soak() ? 1 : 10);
    const std::uint64_t first = setting("LECTIO_SEED", 1);
    const std::uint64_t count = setting("LECTIO_WEEKS", usual);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        Week week(seed);
        try {
            week.live();
        } catch (const std::runtime_error& broken) {
            FAIL("seed " << seed << ", " << week.where() << ": " << broken.what());
        }
    }
    std::cout << fmt::format("counted: {} times random weeks\n", count);
}

// What must hold for every history: random lives of a few checks, under mutes, deaths, --no-notify and clocks
// that jump. How many: tests/counts.json, a tenth without LECTIO_SOAK, LECTIO_HISTORIES for any other number.
// LECTIO_SEED sets where they begin.
#include "story.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace lectio;

namespace {

constexpr int k_minutes = 90; // of one history

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
    const char* value = std::getenv(name);
    return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// Calls `live` with each seed; what fails names it.
template<class Live>
void for_each_history(Live live) {
    const std::uint64_t usual = LECTIO_COUNT_HISTORIES / (std::getenv("LECTIO_SOAK") != nullptr ? 1 : 10);
    const std::uint64_t first = setting("LECTIO_SEED", 1);
    const std::uint64_t count = setting("LECTIO_HISTORIES", usual);
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        CAPTURE(seed);
        live(seed);
    }
    std::cout << fmt::format("counted: {} times {}\n", count, Catch::getResultCapture().getCurrentTestName());
}

class Dice {
  public:
    explicit Dice(std::uint64_t seed) : m_random(seed) {}
    std::size_t below(std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(m_random);
    }
    bool one_in(std::size_t n) { return below(n) == 0; }

  private:
    std::mt19937_64 m_random;
};

Status other_status(Dice& dice) {
    static constexpr Status k_mostly[] = {Status::ok,       Status::ok,       Status::ok,
                                          Status::critical, Status::critical, Status::warning,
                                          Status::unknown,  Status::skipped};
    return k_mostly[dice.below(8)];
}

std::vector<CheckPolicy> random_checks(Dice& dice) {
    std::vector<CheckPolicy> checks{
        policy_for("disk", Layer::disk), policy_for("unit", Layer::unit, {"disk"}),
        policy_for("api", Layer::application, {"unit"}), policy_for("site", Layer::web, {"unit", "api"})};
    for (CheckPolicy& check : checks) {
        check.common.confirm = 1 + static_cast<int>(dice.below(3));
        check.common.recover_confirm = 1 + static_cast<int>(dice.below(3));
        if (dice.one_in(4)) {
            check.common.window = {2, 5};
        }
        if (dice.one_in(4)) {
            check.common.needs.clear();
        }
        if (dice.one_in(6)) {
            check.common.severity = dice.one_in(2) ? Severity::warning : Severity::info;
        }
    }
    return checks;
}

// The operator's phone: what was told so far, and whether it makes sense.
class Phone {
  public:
    void take(const News& news, const Story& story, bool quiet) {
        std::set<std::string> roots_now;
        for (const NewsItem& item : news.items) {
            if (item.event == Event::opened) {
                roots_now.insert(item.incident.check);
            }
        }
        for (const NewsItem& item : news.items) {
            take(item, quiet);
            if (item.event == Event::opened) {
                const std::string& root = story.verdict(item.incident.check).symptom_of;
                INFO(item.incident.check << " told beside its root " << root);
                CHECK(root.empty());
            }
        }
    }

    [[nodiscard]] const std::map<std::string, Status>& open() const { return m_open; }

  private:
    void take(const NewsItem& item, bool quiet) {
        const std::string& id = item.incident.id;
        if (item.event == Event::note) {
            return;
        }
        INFO(word(item.event) << " " << item.incident.check << " " << id);
        const bool known = m_open.contains(id);
        const bool over_before = m_over.contains(id);
        CHECK_FALSE(over_before);
        if (quiet) {
            CHECK(item.event == Event::resolved); // quiet lets only ends pass
        }
        switch (item.event) {
        case Event::opened:
            CHECK_FALSE(known);
            m_open[id] = item.incident.status;
            break;
        case Event::flapping:
            CHECK(m_flapping.insert(fmt::format("{}/{}", id, m_flaps[id]++)).second);
            m_open[id] = item.incident.status;
            break;
        case Event::risen:
            CHECK(known);
            CHECK(m_open[id] == Status::warning);
            m_open[id] = Status::critical;
            break;
        case Event::eased:
            CHECK(known);
            CHECK(m_open[id] == Status::critical);
            m_open[id] = Status::warning;
            break;
        case Event::reminder:
            CHECK(known);
            CHECK((item.incident.status == Status::critical || m_flaps.contains(id))); // or it has settled
            break;
        case Event::resolved:
        case Event::unwatched:
            CHECK(known);
            m_open.erase(id);
            m_over.insert(id);
            break;
        case Event::mended:
            CHECK_FALSE(known);
            m_over.insert(id);
            break;
        case Event::needs_person:
        case Event::escalated:
        case Event::note:
        case Event::summary:
            break;
        }
    }

    std::map<std::string, Status> m_open; // by id, as last told
    std::set<std::string> m_over, m_flapping;
    std::map<std::string, int> m_flaps;
};

struct History {
    Story story;
    Dice dice;
    Phone phone;
    std::map<std::string, Status> world;
    std::map<std::string, int> messages; // told of a check
    int quiet_left = 0;

    explicit History(std::uint64_t seed) : story({}), dice(seed) {
        story.policy.checks = random_checks(dice);
        story.through_json = seed % 16 == 0;
        for (const CheckPolicy& check : story.policy.checks) {
            world[check.name] = Status::ok;
        }
    }

    void move_world() {
        for (auto& [name, status] : world) {
            if (dice.one_in(6)) {
                status = other_status(dice);
            }
        }
        if (dice.one_in(20)) {
            story.clock.advance(std::chrono::minutes(dice.below(300)));
        }
        if (dice.one_in(30)) {
            story.clock.jump_wall(std::chrono::hours(static_cast<int>(dice.below(40000)) - 20000));
        }
        if (dice.one_in(60)) {
            story.clock.reboot(std::chrono::minutes(1));
            story.clock.advance(std::chrono::minutes(3));
        }
        if (quiet_left > 0 && --quiet_left == 0) {
            story.unmute();
        } else if (quiet_left == 0 && dice.one_in(25)) {
            story.mute();
            quiet_left = 1 + static_cast<int>(dice.below(8));
        }
    }

    // The ladder mends some of what it is offered.
    std::map<std::string, Status> heal() {
        std::map<std::string, Status> healed;
        for (const auto& [name, status] : world) {
            if (status == Status::critical && dice.one_in(3)) {
                healed[name] = Status::ok;
            }
        }
        return healed;
    }

    enum class Death { none, before_saving, before_telling };

    void one_run() {
        move_world();
        Minute minute;
        minute.seen = world;
        if (dice.one_in(4)) {
            minute.healed = heal();
        }
        for (const auto& [name, status] : minute.healed) {
            world[name] = status;
        }
        const Death death = dice.one_in(12)   ? Death::before_saving
                            : dice.one_in(12) ? Death::before_telling
                                              : Death::none;
        const JudgeState before = story.state;
        minute.notify = death == Death::none && !dice.one_in(10);
        const News news = story.run(minute);
        if (death == Death::before_saving) {
            story.state = before;
            return;
        }
        phone.take(news, story, story.quiet.active());
        if (minute.notify) {
            nothing_is_kept_back();
        }
    }

    // After a run that could tell, the phone knows what the state knows.
    void nothing_is_kept_back() {
        std::map<std::string, Status> open;
        for (const IncidentState& incident : story.state.incidents) {
            CHECK_FALSE(incident.ended.has_value());
            if (incident.type == "self") {
                continue;
            }
            const bool held_back = story.quiet.active() || incident.symptom;
            CHECK((incident.told.has_value() || held_back));
            if (incident.told) {
                open[incident.id] = held_back ? *incident.told : incident.level;
            }
        }
        CHECK(phone.open() == open);
    }
};

} // namespace

TEST_CASE("random histories: everything is told, once, and ends once") {
    for_each_history([](std::uint64_t seed) {
        History history(seed);
        for (int minute = 0; minute < k_minutes; ++minute) {
            CAPTURE(minute);
            history.one_run();
        }
        // In the end all is well, and the phone knows it.
        history.story.unmute();
        const std::map<std::string, Status> good{
            {"disk", Status::ok}, {"unit", Status::ok}, {"api", Status::ok}, {"site", Status::ok}};
        for (int i = 0; i < 40; ++i) {
            history.phone.take(history.story.run(good), history.story, false);
        }
        REQUIRE(history.phone.open().empty());
        REQUIRE(history.story.state.incidents.empty());
    });
}

TEST_CASE("random histories: an unmended fault costs two messages before its first reminder") {
    for_each_history([](std::uint64_t seed) {
        Dice dice(seed);
        Story story(random_checks(dice));
        story.through_json = false;
        std::map<std::string, Status> broken;
        for (const CheckPolicy& check : story.policy.checks) {
            broken[check.name] = dice.one_in(2) ? Status::critical : Status::ok;
        }
        const int gives_up = static_cast<int>(dice.below(50));
        std::map<std::string, int> messages;
        for (int minute = 0; minute < 55; ++minute) {
            Minute one;
            one.seen = broken;
            if (minute >= gives_up) {
                for (const std::string& root : story.judged().to_heal) {
                    one.healing.gave_up.push_back({root, {"look"}});
                }
            }
            for (const NewsItem& item : story.run(one).items) {
                ++messages[item.incident.check];
            }
        }
        for (const auto& [check, status] : broken) {
            CAPTURE(check);
            REQUIRE(messages[check] <= (status == Status::critical ? 2 : 0));
            const bool root = story.verdict(check).symptom_of.empty();
            REQUIRE((messages[check] > 0) == (status == Status::critical && root));
        }
    });
}

TEST_CASE("random histories: an unsteady check is told a bounded number of times") {
    for_each_history([](std::uint64_t seed) {
        Dice dice(seed);
        Story story({policy_for("site")});
        story.through_json = false;
        std::vector<int> told_at;
        for (int minute = 0; minute < 200; ++minute) {
            for (const NewsItem& item :
                 story.run({{"site", dice.one_in(2) ? Status::critical : Status::ok}}).items) {
                if (item.event != Event::reminder) {
                    told_at.push_back(minute);
                }
            }
        }
        // Each message but the flapping one is a change, and of these at most five lie within twenty runs
        // before the sixth makes it flapping.
        for (std::size_t i = 7; i < told_at.size(); ++i) {
            REQUIRE(told_at[i] - told_at[i - 7] >= 10);
        }
        REQUIRE(told_at.size() <= 60);
    });
}

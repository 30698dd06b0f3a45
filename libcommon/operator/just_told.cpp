#include "operator/just_told.h"

#include "checks/systemd.h"
#include "incidents/acknowledgements.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace lectio {
namespace {

using namespace std::chrono_literals;

// Where lectio-health does not run, nobody tells the end of a fall: after so long nobody calls it open any more.
constexpr Duration k_forgotten_after = 24h;
constexpr Duration k_asking = 300ms;
// Questions to a systemd that hangs: one that waits for the answer on a phone waits no longer than these.
constexpr std::size_t k_most_asked = 5;

LastWord word_about(const std::string& incident, const std::string& check, Status level, WallTime since,
                    WallTime told) {
    LastWord word;
    word.id = incident;
    word.check = check;
    word.level = level;
    word.since = since;
    word.time = told;
    return word;
}

void end(JudgeState& judge, const std::string& subject, const Now& now) {
    for (IncidentState& incident : judge.incidents) {
        if (incident.subject == subject && !incident.ended) {
            incident.ended = now;
        }
    }
}

// It was said to be so, and is good no more than what was looked at.
void note_as_seen(JudgeState& judge, const std::string& subject) {
    if (const IncidentState* open = judge.open_incident(subject)) {
        judge.checks[subject].status = open->level;
    }
}

// ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────

void take_in_keys(ToolState& health, const DropFolder& events, const Now& now) {
    const std::vector<KnownKey> before = health.keys;
    for (const KeyEvent& event : left_key_events(events)) {
        if (std::find(health.counted.begin(), health.counted.end(), event.file) == health.counted.end()) {
            count(health.keys, event);
        }
    }
    forget_silent(health.keys, now.wall); // what lies there for days where nobody takes it over
    for (const KnownKey& key : health.keys) {
        if (std::find(before.begin(), before.end(), key) != before.end()) {
            continue; // nothing new of it
        }
        const std::string check = check_of_key(key.key);
        std::vector<LastWord> words;
        if (key.told_at && key.level != KeyLevel::over) {
            const Status level = key.told == KeyLevel::critical ? Status::critical : Status::warning;
            words.push_back(word_about(key.incident, check, level, key.since, *key.told_at));
        }
        adopt(health.judge, key, words);
        if (key.level == KeyLevel::over) {
            end(health.judge, check, now);
        } else {
            note_as_seen(health.judge, check);
        }
    }
}

// ── units ───────────────────────────────────────────────────────────────────────────────────────────────────────────

bool is_well(Services& services, const std::string& name, const Now& now) {
    const Result<UnitState> unit = services.unit(name, k_asking);
    SystemdSettings settings;
    settings.unit = name;
    settings.only_as_it_fell = true;
    return unit && evaluate_unit(*unit, settings, {}, now).status == Status::ok;
}

// Of what fell since lectio-health looked last its next run knows; where there is none, only systemd does.
void leave_out_what_is_well(std::vector<UnitFall>& falls, Services& services, const Now& now) {
    std::map<std::string, bool> well;
    std::erase_if(falls, [&](const UnitFall& fall) {
        if (!well.contains(fall.unit)) {
            well[fall.unit] = well.size() < k_most_asked && is_well(services, fall.unit, now);
        }
        return well[fall.unit];
    });
}

// The check that looks at the unit: the one that health made or has found for it, or the one that the fall names.
std::string check_of(const UnitFall& fall, const ToolState& health) {
    const auto known = std::find_if(health.units.begin(), health.units.end(),
                                    [&](const FallenUnit& unit) { return unit.unit == fall.unit; });
    return known == health.units.end() ? fall.check : known->check;
}

CheckPolicy policy_of(const std::string& check, const Config& config) {
    CheckPolicy policy{check, "systemd", Layer::unit, Recheck::yes, CheckCommon{}};
    for (const CheckSettings& configured : config.health.checks) {
        if (configured.name == check && configured.type == policy.type) {
            policy.common = configured.common;
        }
    }
    return policy;
}

void take_in_falls(ToolState& health, const DropFolder& events, World& world, const Config& config) {
    const Now now = world.clock.now();
    std::vector<UnitFall> falls = left_falls(events);
    std::erase_if(falls, [&](const UnitFall& fall) {
        return std::chrono::abs(now.wall - fall.time) > k_forgotten_after;
    });
    if (!is_taken_over(health.judge, now.wall)) {
        leave_out_what_is_well(falls, world.services, now);
    }
    Policy policy;
    std::map<std::string, std::string> checks;
    std::vector<LastWord> words;
    for (const UnitFall& fall : falls) {
        const std::string check = check_of(fall, health);
        if (checks.emplace(fall.unit, check).second) {
            policy.checks.push_back(policy_of(check, config));
        }
        if (fall.told) {
            words.push_back(word_about(fall.incident, check, fall.level, fall.time, fall.time));
        }
    }
    adopt(health.judge, health.units, falls, {policy, checks, words});
    for (const auto& [unit, check] : checks) {
        note_as_seen(health.judge, check);
    }
}

} // namespace

void take_in_what_was_told(ToolState& health, World& world, const Config& config) {
    const DropFolder events = event_folder(world.files, config.paths.state);
    take_in_falls(health, events, world, config);
    take_in_keys(health, events, world.clock.now());
}

bool is_acknowledged(Files& files, const Path& state, const std::string& incident, Status level) {
    const std::vector<Acknowledgement> all = left_for(acknowledgement_folder(files, state), "health");
    return std::any_of(all.begin(), all.end(), [&](const Acknowledgement& each) {
        return each.incident == incident && (each.level == Status::critical || level != Status::critical);
    });
}

} // namespace lectio

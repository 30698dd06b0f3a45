#include "incidents/unit_falls.h"

#include "incidents/ids.h"
#include "incidents/rules.h"
#include "platform/unit_name.h"
#include "store/kept_json.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

constexpr Duration k_day = 24h;
// Left longer ago than this and never taken over: lectio-health does not run here, and nobody will tell the end. The
// next fall is news again.
constexpr Duration k_taken_over_within = 1h;
constexpr Duration k_restless_within = 1h;
constexpr Duration k_given_up_after = 24h * 30;
constexpr std::size_t k_longest_name = 64; // CONTRACT 8

std::optional<UnitFall> fall_of(const Dropped& dropped) {
    const Json json = Json::parse(dropped.content, nullptr, false);
    const auto time = json.is_object() ? json.find("time_ms") : json.end();
    if (!json.is_object() || text_of(json, "event") != "unit" || time == json.end() ||
        !time->is_number_integer()) {
        return std::nullopt;
    }
    UnitFall fall;
    fall.incident = text_of(json, "incident");
    fall.unit = text_of(json, "unit");
    fall.check = text_of(json, "check");
    fall.time = WallTime(Duration(time->get<std::int64_t>()));
    fall.level = text_of(json, "level") == to_string(Status::critical) ? Status::critical : Status::warning;
    fall.told = flag_of(json, "told");
    const auto counted = json.find("counted");
    fall.counted = counted == json.end() || !counted->is_boolean() || counted->get<bool>();
    fall.message = both_of(json, "message");
    fall.hint = both_of(json, "hint");
    fall.evidence = text_of(json, "evidence");
    fall.file = dropped.name;
    return fall.unit.empty() || fall.incident.empty() || !is_name(fall.check)
               ? std::nullopt
               : std::optional(std::move(fall));
}

// Discovery names the check of a unit like the unit; who falls does not know what was discovered.
const IncidentState* open_incident_of(const UnitFall& fall, const FallHistory& history) {
    for (const FallenUnit& known : history.units) {
        if (const IncidentState* open = history.health.open_incident(known.check);
            known.unit == fall.unit && open != nullptr) {
            return open;
        }
    }
    const IncidentState* open = history.health.open_incident(fall.check);
    return open != nullptr && open->type == "systemd" ? open : nullptr;
}

std::size_t falls_today(const UnitFall& fall, const FallHistory& history, const std::string& zone) {
    const auto day = [&](WallTime time) { return format_local(time, zone).substr(0, 10); };
    const std::string today = day(fall.time);
    std::size_t count = fall.counted ? 1 : 0;
    for (const FallenUnit& known : history.units) {
        if (known.unit == fall.unit) {
            count += static_cast<std::size_t>(
                std::count_if(known.falls.begin(), known.falls.end(),
                              [&](WallTime time) { return day(time) == today && time != fall.time; }));
        }
    }
    return count + static_cast<std::size_t>(std::count_if(
                       history.waiting.begin(), history.waiting.end(), [&](const UnitFall& waiting) {
                           return waiting.unit == fall.unit && waiting.counted && day(waiting.time) == today;
                       }));
}

FallenUnit& entry_of(std::vector<FallenUnit>& units, const UnitFall& fall, const std::string& check) {
    const auto known = std::find_if(units.begin(), units.end(),
                                    [&](const FallenUnit& unit) { return unit.unit == fall.unit; });
    FallenUnit& entry = known == units.end() ? units.emplace_back(FallenUnit{fall.unit, check, {}}) : *known;
    entry.check = check;
    return entry;
}

const CheckPolicy* find_check(const Policy& policy, const std::string& name) {
    const auto found = std::find_if(policy.checks.begin(), policy.checks.end(),
                                    [&](const CheckPolicy& check) { return check.name == name; });
    return found == policy.checks.end() ? nullptr : &*found;
}

const LastWord* word_about(const std::string& id, const FallContext& context) {
    const auto word = std::find_if(context.words.begin(), context.words.end(),
                                   [&](const LastWord& it) { return it.id == id && !is_over(it.event); });
    return word == context.words.end() ? nullptr : &*word;
}

IncidentState& open_for(JudgeState& state, const UnitFall& fall, const CheckPolicy& check) {
    IncidentState incident;
    incident.id = fall.incident;
    incident.subject = check.name;
    incident.check = check.name;
    incident.type = check.type;
    incident.level = capped(fall.level, check.common.severity);
    incident.severity = check.common.severity;
    incident.since = {fall.time, {}, {}};
    incident.note = check.common.note;
    return state.incidents.emplace_back(std::move(incident));
}

void take_over(JudgeState& state, const UnitFall& fall, const CheckPolicy& check,
               const FallContext& context) {
    CheckState& seen = state.checks[check.name];
    seen.type = check.type;
    seen.good = 0; // it was not, between two looks
    IncidentState* known = state.open_incident(check.name);
    IncidentState& incident = known != nullptr ? *known : open_for(state, fall, check);
    const Status level = capped(fall.level, check.common.severity);
    if (worst(level, incident.level) != incident.level) {
        incident.level = level;
        incident.acknowledged = false;
    }
    incident.message = fall.message;
    incident.hint = fall.hint;
    incident.evidence = fall.evidence;
    // Stored or sent, or else this run tells it: the process that left the fall may have died before it could.
    if (const LastWord* word = word_about(incident.id, context);
        word != nullptr && (!incident.told || worst(word->level, *incident.told) != *incident.told)) {
        incident.told = word->level;
        incident.told_at = {word->time, {}, {}};
    }
}

} // namespace

DropFolder event_folder(Files& files, const Path& state) {
    return {files, state / "events"};
}

Result<void> leave(DropFolder folder, const UnitFall& fall) {
    const std::int64_t stamp = fall.time.time_since_epoch().count();
    const Json json{{"event", "unit"},
                    {"incident", fall.incident},
                    {"unit", fall.unit},
                    {"check", fall.check},
                    {"time_ms", stamp},
                    {"level", to_string(fall.level)},
                    {"told", fall.told},
                    {"counted", fall.counted},
                    {"message", json_of(fall.message)},
                    {"hint", json_of(fall.hint)},
                    {"evidence", fall.evidence}};
    return folder.drop(fmt::format("{:016}-{}-{}", stamp, fall.check, base32_id(stable_hash(fall.unit))),
                       json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::vector<UnitFall> left_falls(const DropFolder& folder) {
    std::vector<UnitFall> falls;
    for (const Dropped& dropped : folder.all()) {
        if (std::optional<UnitFall> fall = fall_of(dropped)) {
            falls.push_back(std::move(*fall));
        }
    }
    return falls;
}

std::string check_for_unit(std::string_view unit, const std::vector<std::string>& taken) {
    constexpr std::string_view k_service = ".service";
    if (unit.ends_with(k_service)) {
        unit.remove_suffix(k_service.size());
    }
    std::string name = to_lower_ascii(unit);
    for (char& letter : name) {
        const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                          letter == '_' || letter == '-';
        letter = fits ? letter : '-';
    }
    const bool free = is_name(name) && std::find(taken.begin(), taken.end(), name) == taken.end();
    return free ? name : ("unit-" + name).substr(0, k_longest_name);
}

bool is_taken_over(const JudgeState& health, WallTime now) {
    const std::optional<Now>& last = health.last_run;
    return last && std::chrono::abs(now - last->wall) <= k_taken_over_within;
}

bool has_just_fallen(const UnitFall& fall, const FallHistory& history) {
    const auto just = [&](WallTime time) { return std::chrono::abs(fall.time - time) <= 1min; };
    return std::any_of(history.waiting.begin(), history.waiting.end(),
                       [&](const UnitFall& it) { return it.unit == fall.unit && just(it.time); }) ||
           std::any_of(history.units.begin(), history.units.end(), [&](const FallenUnit& it) {
               return it.unit == fall.unit && std::any_of(it.falls.begin(), it.falls.end(), just);
           });
}

FallNews news_of(const UnitFall& fall, const FallHistory& history, const std::string& zone) {
    FallNews news{true, Event::opened, fall.incident, fall.time, falls_today(fall, history, zone)};
    std::optional<Status> told;
    if (const IncidentState* open = open_incident_of(fall, history)) {
        news.incident = open->id;
        news.since = open->since.wall;
        told = open->told;
    }
    bool first = news.incident == fall.incident;
    for (const UnitFall& waiting : history.waiting) {
        if (waiting.unit != fall.unit || fall.time - waiting.time > k_taken_over_within) {
            continue;
        }
        if (std::exchange(first, false)) {
            news.incident = waiting.incident;
            news.since = waiting.time;
        }
        if (waiting.told) {
            told = told ? worst(*told, waiting.level) : waiting.level;
        }
    }
    if (told) {
        news.event = Event::risen;
        news.new_to_operator = worst(fall.level, *told) != *told;
    }
    return news;
}

void adopt(JudgeState& state, std::vector<FallenUnit>& units, const std::vector<UnitFall>& falls,
           const FallContext& context) {
    for (const UnitFall& fall : falls) {
        const auto name = context.checks.find(fall.unit);
        const CheckPolicy* check =
            name == context.checks.end() ? nullptr : find_check(context.policy, name->second);
        if (check == nullptr) {
            continue; // not watched any more
        }
        FallenUnit& entry = entry_of(units, fall, check->name);
        if (std::find(entry.falls.begin(), entry.falls.end(), fall.time) != entry.falls.end()) {
            continue;
        }
        if (!fall.counted) {
            // Of a fall that was taken over, and may be over by now: then there is nothing to go on with.
            if (entry.falls.empty() || state.open_incident(check->name) != nullptr) {
                take_over(state, fall, *check, context);
            }
            continue;
        }
        entry.falls.push_back(fall.time);
        if (entry.falls.size() > FallenUnit::k_most_falls) {
            entry.falls.erase(entry.falls.begin());
        }
        take_over(state, fall, *check, context);
    }
}

void forget_well(std::vector<FallenUnit>& units, const JudgeState& state, WallTime now) {
    for (FallenUnit& unit : units) {
        const bool open = state.open_incident(unit.check) != nullptr;
        std::erase_if(unit.falls, [&](WallTime fall) {
            return now - fall > (open ? k_given_up_after : k_day) || fall - now > k_day;
        });
    }
    std::erase_if(units, [](const FallenUnit& unit) { return unit.falls.empty(); });
}

bool is_restless(const FallenUnit& unit, WallTime now) {
    return std::count_if(unit.falls.begin(), unit.falls.end(),
                         [&](WallTime fall) { return now - fall <= k_restless_within; }) > 1;
}

} // namespace lectio

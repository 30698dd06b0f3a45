// Falls of units. `lectio-notify unit` tells of one within seconds and leaves a file in state/events; lectio-health
// takes it over in its next run: from then on the fall is an incident like any other, and its end is told.
//
// A crash loop is one incident: falls while it is open are counted, not told, unless it gets worse.
#pragma once

#include "incidents/judge.h"
#include "store/drop_folder.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

struct UnitFall {
    std::string incident; // the id under which it is told
    std::string unit;     // "nginx.service"
    std::string
        check; // of lectio-health that looks at the unit; the one made for it where none is configured
    WallTime time;
    Status level = Status::warning; // critical: systemd does not start it again
    bool told = false;              // hidden by a mute, say, if not
    bool counted = true; // not if it is the end of a fall that was left already: systemd has given up
    Text message, hint;
    std::string evidence;
    std::string file = {}; // where it was read from
};

// A unit that has fallen within the last day, or has not been well since.
struct FallenUnit {
    std::string unit, check;
    std::vector<WallTime> falls; // of the last day, the newest k_most_falls
    static constexpr std::size_t k_most_falls = 100;
    bool operator==(const FallenUnit&) const = default;
};

DropFolder event_folder(Files& files, const Path& state);
// Durable on success.
Result<void> leave(DropFolder folder, const UnitFall& fall);
// The oldest first.
std::vector<UnitFall> left_falls(const DropFolder& folder);

// The name of the check that is made for a unit: as short as the unit's, if none of `taken` has it.
std::string check_for_unit(std::string_view unit, const std::vector<std::string>& taken);

// ── when it falls ───────────────────────────────────────────────────────────────────────────────────────────────

// What is known of units that fell when one falls again.
struct FallHistory {
    JudgeState health;             // as of lectio-health's last run
    std::vector<FallenUnit> units; // of the same
    std::vector<UnitFall> waiting; // left since
};
// What is new about this fall: whether it is told, and as which event of which incident. `fall.incident` holds a new
// id, for the case that none is open.
struct FallNews {
    bool new_to_operator = true;
    Event event = Event::opened;
    std::string incident;
    WallTime since;
    std::size_t today = 1; // falls of this day in `zone`, with this one if it counts
};
// lectio-health runs here and takes over soon what is left for it: it tells at its time what need not be told at once.
bool is_taken_over(const JudgeState& health, WallTime now);
// It fell within the last minute, and that is known: OnFailure= comes after ExecStopPost=.
bool has_just_fallen(const UnitFall& fall, const FallHistory& history);
FallNews news_of(const UnitFall& fall, const FallHistory& history, const std::string& zone);

// ── when lectio-health takes it over ────────────────────────────────────────────────────────────────────────────

struct FallContext {
    const Policy& policy;
    const std::map<std::string, std::string>& checks; // unit → the check of `policy` that looks at it
    const std::vector<LastWord>& words;               // what the channels know to be told
};
// Pure. Opens an incident for each unit that has fallen, or goes on with the one that is open. A fall that was taken
// over already changes nothing: the run that did it may have died before it removed the file.
void adopt(JudgeState& state, std::vector<FallenUnit>& units, const std::vector<UnitFall>& falls,
           const FallContext& context);
// Those of which nothing is left to say: well, and no fall for a day.
void forget_well(std::vector<FallenUnit>& units, const JudgeState& state, WallTime now);
// It fell again and again: one good look does not prove it well.
bool is_restless(const FallenUnit& unit, WallTime now);

} // namespace lectio

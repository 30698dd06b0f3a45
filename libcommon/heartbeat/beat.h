// One beat: looks at the site and the suite, and tells outside what is true.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "heartbeat/verdict.h"
#include "operator/desk.h"
#include "platform/world.h"

#include <map>
#include <optional>
#include <string>

namespace lectio::heartbeat {

// What is kept from one beat to the next, in state/heartbeat.
struct BeatState {
    std::map<std::string, std::string> awaited; // tools that never ran, since when
    PingMemory ping;
    std::optional<Now> finished; // the last whole run, for who watches this tool
    bool operator==(const BeatState&) const = default;
};
std::string to_json(const BeatState& state);
// Tolerant: what is odd is left out.
BeatState beat_state_from_json(std::string_view text);

struct Beat {
    Verdict verdict;
    std::optional<PingOutcome> ping; // none: nothing was to be told, or Effect::none
};

// The caller holds the lock of the tool. With Effect::none nothing is pinged and nothing written.
Beat beat(World& world, const Config& config, Delivery& delivery, Effect effect, SteadyTime until);

} // namespace lectio::heartbeat

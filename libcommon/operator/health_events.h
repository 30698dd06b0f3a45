// What is shared by all who leave events for lectio-health, which takes them over in its next run (CONTRACT 19).
#pragma once

#include "config/config.h"
#include "pipeline/tool_state.h"
#include "platform/world.h"

#include <string>
#include <string_view>

namespace lectio {

inline constexpr std::string_view k_health = "health"; // takes them over

// Two that leave at the same moment: the second is to see what the first has left. Not to be had within moments (a disk
// that hangs): an empty lock, two messages are better than none.
Lock lock_events(World& world, const Paths& paths);
// As of lectio-health's last run.
ToolState state_of_health(World& world, const Paths& paths);
// No two events have it.
std::string new_incident(World& world, std::string_view subject);

} // namespace lectio

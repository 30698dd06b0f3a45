// What is shared by the commands that leave events for lectio-health (CONTRACT 19).
#pragma once

#include "pipeline/tool_state.h"
#include "platform/files.h"

#include <string_view>

namespace lectio::notify {

class Session;

inline constexpr std::string_view k_health = "health"; // takes them over

// Two that leave at the same moment: the second is to see what the first has left. Not to be had within moments: two
// messages are better than none.
Lock lock_events(Session& session);
// As of lectio-health's last run.
ToolState state_of_health(Session& session);
// No two events have it.
std::string new_incident(Session& session, std::string_view subject);

} // namespace lectio::notify

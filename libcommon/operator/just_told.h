// What lectio-notify has told of scripts (`send --key`) and units since lectio-health's last run: from the moment it is told it
// is open to the operator, wherever lectio-health does not run, too.
#pragma once

#include "config/config.h"
#include "pipeline/tool_state.h"
#include "platform/world.h"

namespace lectio {

// Puts into `health`, its state as it stands on disk, what waits for it in state/events, as its next run will. Nothing is
// written. Where it does not run, systemd is asked whether a unit that fell is well by now.
void take_in_what_was_told(ToolState& health, World& world, const Config& config);

// An operator has seen this incident, though lectio-health may not know of it yet. Not if it has become worse since.
bool is_acknowledged(Files& files, const Path& state, const std::string& incident, Status level);

} // namespace lectio

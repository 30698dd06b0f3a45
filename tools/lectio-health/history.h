// lectio-health history: what the recorded runs have found. Changes nothing.
#pragma once

#include "options.h"
#include "platform/clock.h"
#include "platform/world.h"

#include <string>
#include <string_view>

namespace lectio::health {

// Prints; returns the process's exit status: 0, also where nothing was recorded yet; 64 for a name that no check
// has or a time that is none; 70 for a damaged history; 77 and 78 as everywhere.
int show_history(const Options& options, World world);

// "2h" and "7d" before `now`; "2026-11-20" and "2026-11-20 10:00" in the zone.
Result<WallTime> parse_since(std::string_view text, WallTime now, const std::string& zone);

} // namespace lectio::health

// The run of lectio-health: configure → observe → judge → heal → tell → remember → report.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::health {

// One run in this world; prints the report. Returns the process's exit status.
int run(const Options& options, World world);
// What the recorded runs have found.
int show_history(const Options& options, World world);

} // namespace lectio::health

// lectio-heartbeat without a command: one beat.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::heartbeat {

// Returns the exit status.
int run(const Options& options, World world);

} // namespace lectio::heartbeat

// lectio-health init: what discovery finds, written down for a person to go on with.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::health {

// Returns the process's exit status.
int run_init(const Options& options, World world);

} // namespace lectio::health

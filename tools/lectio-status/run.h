// lectio-status: looks at what the tools have left, and shows it.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::status {

// Returns the exit status.
int run(const Options& options, World world);

} // namespace lectio::status

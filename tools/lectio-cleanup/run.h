// A run of lectio-cleanup: each rule for itself, whatever becomes of the others.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::cleanup {

// Returns the exit status of the process.
int run(const Options& options, World world);

} // namespace lectio::cleanup

// The run of lectio-deepcheck.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::deepcheck {

// One run in this world; prints the report. Returns the process's exit status.
int run(const Options& options, World world);

// `lectio-deepcheck history`. Returns the process's exit status.
int show_history(const Options& options, World world);

} // namespace lectio::deepcheck

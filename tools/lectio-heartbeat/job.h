// lectio-heartbeat run NAME -- COMMAND: a job of cron's that cannot fail or hang silently.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::heartbeat {

// Returns the exit status: the job's own, as far as it ran.
int run_job(const Options& options, World world);

} // namespace lectio::heartbeat

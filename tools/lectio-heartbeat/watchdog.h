// lectio-heartbeat watchdog: stands before a server in its unit, and makes systemd's watchdog true for it.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::heartbeat {

// Returns when the command has ended: its exit status. Where a signal ended it, that signal ends us, too: systemd sees
// what happened to the server.
int run_watchdog(const Options& options, World world);

} // namespace lectio::heartbeat

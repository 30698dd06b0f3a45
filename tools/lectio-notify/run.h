// The run of lectio-notify: configure → store → deliver → say.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::notify {

// One command in this world; prints its outcome. Returns the process's exit status.
int run(const Options& options, World world);

} // namespace lectio::notify

// What lectio-deploy can be asked for; each returns the exit status of the process.
#pragma once

#include "options.h"
#include "platform/world.h"

namespace lectio::deploy {

int execute(const Options& options, World world);

} // namespace lectio::deploy

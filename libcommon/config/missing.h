// What a configuration names and this host does not have: warnings of --check-config (CONTRACT 2).
#pragma once

#include "config/node.h"
#include "platform/world.h"

namespace lectio {

// One warning for each path, program (by its absolute path), user and unit of [health] that is not there. What
// cannot be looked at (no rights, no systemd) is not complained of.
void warn_of_missing(const Node& root, World& world, Problems& problems);

} // namespace lectio

// nginx's configuration as it lies on this host.
#pragma once

#include "discovery/nginx_config.h"
#include "platform/world.h"

#include <optional>

namespace lectio::release {

// Nothing: there is none at `main`. Bounded in time, and to file systems that answer (discovery/glance.h).
std::optional<NginxTree> nginx_of_host(World& world, const Path& main);

} // namespace lectio::release

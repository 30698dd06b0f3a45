// What Caddy serves, out of what its admin API tells of its configuration (GET /config/, JSON).
#pragma once

#include "discovery/web_server.h"

#include <string_view>
#include <vector>

namespace lectio {

// Tolerant: what is odd is left out. Caddy serves TLS wherever it was not told otherwise, but on its HTTP port.
std::vector<WebServer> caddy_sites(std::string_view json);

} // namespace lectio

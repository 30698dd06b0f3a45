// What nginx serves, out of its configuration: names, addresses, folders, and what is behind it.
#pragma once

#include "discovery/nginx_config.h"
#include "discovery/web_server.h"

#include <string>
#include <vector>

namespace lectio {

struct NginxSites {
    std::string user; // of the workers; empty: the one nginx was built with
    std::vector<WebServer> servers;
    bool whole = true;
};

// Pure. A server without a name, for whoever asks for no other, is in it with no names.
NginxSites nginx_sites(const NginxTree& tree);

} // namespace lectio

// What Docker's and Caddy's APIs answer, and what discovery has kept on disk: JSON of others.
#include "discovery/caddy_sites.h"
#include "discovery/compose_projects.h"
#include "discovery/discover.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    lectio::compose_projects(text);
    for (const lectio::WebServer& server : lectio::caddy_sites(text)) {
        for (const std::string& name : server.names) {
            if (!lectio::is_host_name(name)) {
                std::abort(); // it would go into a URL
            }
        }
    }
    const lectio::Discovered known = lectio::discovered_from_json(text);
    for (const lectio::FoundCheck& check : known.checks) {
        for (const auto& [key, value] : check.keys) {
            if (value.find('\n') != std::string::npos) {
                std::abort(); // it would be more than a value of a configuration
            }
        }
    }
    lectio::config_of(known);
    return 0;
}

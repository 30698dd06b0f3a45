// The output of `nginx -T`, whatever it holds: read, understood, and its names are names.
#include "discovery/nginx_sites.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    lectio::NginxDump dump(std::string_view(reinterpret_cast<const char*>(data), size));
    const lectio::NginxSites sites = lectio::nginx_sites(lectio::parse_nginx(dump, dump.main()));
    for (const lectio::WebServer& server : sites.servers) {
        for (const std::string& name : server.names) {
            if (!lectio::is_host_name(name)) {
                std::abort(); // it would go into a URL
            }
        }
    }
    return 0;
}

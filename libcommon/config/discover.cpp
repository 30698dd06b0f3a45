// Discovery, the small one: disk, memory, failed units, and what listens on 80 and 443.
#include "config/load.h"
#include "platform/host.h"
#include "platform/services.h"
#include "util/text.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Duration k_bus_timeout{1000};

// From this host a socket on all addresses is reached by the loopback one.
std::string address_to_ask(const std::string& bound) {
    if (bound == "0.0.0.0" || bound == "::" || bound.starts_with("127.")) {
        return bound.starts_with("127.") ? bound : "127.0.0.1";
    }
    return bound.find(':') != std::string::npos ? "[" + bound + "]" : bound;
}

// Whatever name the site has, a server that is well answers anything below 500. Nothing is assumed of its
// name, so nothing is of its certificate.
std::string web_check(const Listener& listener) {
    const bool tls = listener.port == 443;
    const std::string process = clean_line(listener.process); // comm may hold anything
    return fmt::format("# {} listens on {}:{}\n[health.check.{}]\ntype = \"http\"\nurl = \"{}://{}/\"\n"
                       "status = [\"2xx\", \"3xx\", \"4xx\"]\nfollow = false\n{}\n",
                       process.empty() ? "something" : process, listener.address, listener.port,
                       tls ? "https" : "http", tls ? "https" : "http", address_to_ask(listener.address),
                       tls ? "verify = false\n" : "");
}

std::string web_checks(Host& host) {
    std::string text;
    const Result<std::vector<Listener>> listeners = host.listeners();
    if (!listeners) {
        return text;
    }
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}}) {
        const auto found = std::find_if(listeners->begin(), listeners->end(),
                                        [&](const Listener& each) { return each.port == port; });
        if (found != listeners->end()) {
            text += web_check(*found);
        }
    }
    return text;
}

// A tenth and a twenty-fifth of what there is: 200 and 80 MB of 2 GB.
std::string available_memory(Host& host) {
    const Result<MemoryInfo> memory = host.memory();
    if (!memory || memory->total < 64_MB) {
        return "";
    }
    const std::uint64_t megabytes = memory->total.count >> 20U;
    return fmt::format("available = {{ warn = \"{}MB\", critical = \"{}MB\" }}\n", megabytes / 10,
                       megabytes / 25);
}

} // namespace

std::string discover(World& world) {
    std::string text = "[health.check.disk]\n"
                       "type = \"disk\"\n"
                       "path = \"/\"\n"
                       "free = { warn = \"15%\", critical = \"5%\" }\n"
                       "inodes = { warn = \"10%\", critical = \"3%\" }\n"
                       "\n"
                       "[health.check.memory]\n"
                       "type = \"memory\"\n" +
                       available_memory(world.host) +
                       "oom = \"warn\"\n"
                       "\n";
    // Without systemd (a container) there is nothing to ask, and that is no fault of the host.
    if (world.services.failed_units(k_bus_timeout)) {
        text += "[health.check.units] # none may have failed\n"
                "type = \"systemd\"\n"
                "\n";
    }
    return text + web_checks(world.host);
}

} // namespace lectio

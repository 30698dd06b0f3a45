#include "config/discover.h"

#include "platform/host.h"
#include "platform/services.h"
#include "util/json_depth.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Duration k_bus_timeout{1000};
constexpr std::array<std::uint16_t, 2> k_web_ports{80, 443};
constexpr Duration k_remembered = std::chrono::hours(24 * 7);
constexpr Duration k_refreshed = std::chrono::hours(1);
constexpr int k_schema = 1;
constexpr int k_deepest = 10;

// From this host a socket on all addresses is reached by the loopback one.
std::string address_to_ask(const std::string& bound) {
    if (bound == "0.0.0.0" || bound == "::" || bound.starts_with("127.")) {
        return bound.starts_with("127.") ? bound : "127.0.0.1";
    }
    return bound.find(':') != std::string::npos ? "[" + bound + "]" : bound;
}

// Whatever name the site has, a server that is well answers anything below 500. Nothing is assumed of its
// name, so nothing is of its certificate.
std::string web_check(const Discovered::Web& web) {
    const bool tls = web.port == 443;
    const std::string process = clean_line(web.process); // comm may hold anything
    return fmt::format("# {} listens on {}:{}\n[health.check.{}]\ntype = \"http\"\nurl = \"{}://{}/\"\n"
                       "status = [\"2xx\", \"3xx\", \"4xx\"]\nfollow = false\n{}\n",
                       process.empty() ? "something" : process, web.address, web.port, tls ? "https" : "http",
                       tls ? "https" : "http", address_to_ask(web.address), tls ? "verify = false\n" : "");
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

bool is_web_port(std::uint64_t port) {
    return std::find(k_web_ports.begin(), k_web_ports.end(), port) != k_web_ports.end();
}

// It goes into the text of a configuration: nothing but an address may.
bool is_address(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string::npos;
}

std::optional<Discovered::Web> web_of(const Json& json) {
    const auto text = [&](const char* key) {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!json.is_object() || !json.contains("port") || !json["port"].is_number_unsigned()) {
        return std::nullopt;
    }
    const auto port = json["port"].get<std::uint64_t>();
    const Result<WallTime> seen = parse_utc(text("last_seen"));
    if (!is_web_port(port) || !is_address(text("address")) || !seen) {
        return std::nullopt;
    }
    return Discovered::Web{static_cast<std::uint16_t>(port), text("address"), text("process"), *seen};
}

std::optional<Discovered::Web> known_on(const Discovered& known, std::uint16_t port) {
    const auto found = std::find_if(known.web.begin(), known.web.end(),
                                    [&](const Discovered::Web& each) { return each.port == port; });
    return found == known.web.end() ? std::nullopt : std::optional(*found);
}

Discovered::Web seen_now(const Listener& listener, const std::optional<Discovered::Web>& before,
                         WallTime now) {
    Discovered::Web web{listener.port, listener.address, listener.process, now};
    const bool same = before && before->address == web.address && before->process == web.process;
    if (same && before->last_seen <= now && now - before->last_seen < k_refreshed) {
        web.last_seen = before->last_seen;
    }
    return web;
}

} // namespace

Discovered discover(World& world, const Discovered& known) {
    const WallTime now = world.clock.now().wall;
    const std::vector<Listener> listeners = world.host.listeners().value_or({});
    Discovered discovered;
    for (const std::uint16_t port : k_web_ports) {
        const std::optional<Discovered::Web> before = known_on(known, port);
        const auto found = std::find_if(listeners.begin(), listeners.end(),
                                        [&](const Listener& each) { return each.port == port; });
        if (found != listeners.end()) {
            discovered.web.push_back(seen_now(*found, before, now));
        } else if (before && now - before->last_seen < k_remembered) {
            discovered.web.push_back(*before);
            // Of the future is what was seen before the clock was set back: as good as just now.
            discovered.web.back().last_seen = std::min(before->last_seen, now);
        }
    }
    return discovered;
}

std::string config_of(const Discovered& discovered, World& world) {
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
    // Without systemd (a container) there is nothing to ask, and that is no fault of the host. A systemd that
    // does not answer is one.
    const Result<std::vector<UnitState>> failed = world.services.failed_units(k_bus_timeout);
    if (failed || failed.error().kind != ErrorKind::not_found) {
        text += "[health.check.units] # none may have failed\n"
                "type = \"systemd\"\n"
                "\n";
    }
    for (const Discovered::Web& web : discovered.web) {
        text += web_check(web);
    }
    return text;
}

std::string to_json(const Discovered& discovered) {
    Json web = Json::array();
    for (const Discovered::Web& each : discovered.web) {
        Json row{{"port", each.port}, {"address", each.address}, {"process", to_utf8(each.process)}};
        row["last_seen"] = format_utc(each.last_seen);
        web.push_back(std::move(row));
    }
    return Json{{"schema", k_schema}, {"web", std::move(web)}}.dump() + "\n";
}

Discovered discovered_from_json(std::string_view text) {
    Discovered discovered;
    const Json json = json_depth(text) > k_deepest ? Json() : Json::parse(text, nullptr, false);
    const auto web = json.is_object() ? json.find("web") : json.end();
    if (!json.is_object() || web == json.end() || !web->is_array()) {
        return discovered;
    }
    for (const Json& each : *web) {
        const std::optional<Discovered::Web> read = web_of(each);
        if (read && !known_on(discovered, read->port)) {
            discovered.web.push_back(*read);
        }
    }
    return discovered;
}

} // namespace lectio

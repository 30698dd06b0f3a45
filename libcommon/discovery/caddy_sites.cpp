#include "discovery/caddy_sites.h"

#include "util/json_depth.h"
#include "util/number.h"
#include "util/text.h"

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr int k_deepest = 60; // each group of routes adds five levels
constexpr std::size_t k_most_sites = 500;
constexpr std::uint16_t k_http = 80;

const Json& child(const Json& json, const char* key) {
    static const Json k_none;
    const auto found = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && found != json.end() ? *found : k_none;
}

std::string text_of(const Json& json) {
    return json.is_string() ? json.get<std::string>() : std::string();
}

// ":443", "127.0.0.1:8080", "[::]:80", "tcp/:80"; a range of ports is none of ours.
std::optional<WebListen> listen_of(std::string text) {
    text.erase(0, text.starts_with("tcp/") ? 4 : 0);
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) {
        return std::nullopt;
    }
    const auto port = number_from<std::uint16_t>(std::string_view(text).substr(colon + 1)).value_or(0);
    if (port == 0) {
        return std::nullopt;
    }
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return WebListen{host.empty() || host == "0.0.0.0" ? "*" : host, port, port != k_http};
}

class Routes {
  public:
    Routes(std::vector<WebListen> listens, std::vector<WebServer>& servers)
        : m_listens(std::move(listens)), m_servers(servers) {}

    void read(const Json& routes) {
        for (const Json& route : routes.is_array() ? routes : Json::array()) {
            const std::vector<std::string> names = hosts_of(child(route, "match"));
            if (names.empty() || m_servers.size() >= k_most_sites) {
                continue;
            }
            WebServer server;
            server.names = names;
            server.listens = m_listens;
            read_handlers(child(route, "handle"), server);
            m_servers.push_back(std::move(server));
        }
    }

  private:
    static std::vector<std::string> hosts_of(const Json& matches) {
        std::vector<std::string> names;
        for (const Json& match : matches.is_array() ? matches : Json::array()) {
            const Json& hosts = child(match, "host");
            for (const Json& host : hosts.is_array() ? hosts : Json::array()) {
                std::string name = to_lower_ascii(text_of(host));
                if (is_host_name(name)) {
                    names.push_back(std::move(name));
                }
            }
        }
        return names;
    }

    // Depth is bounded by k_deepest.
    static void read_handlers(const Json& handlers, WebServer& server) {
        for (const Json& handler : handlers.is_array() ? handlers : Json::array()) {
            const std::string kind = text_of(child(handler, "handler"));
            if (kind == "subroute") {
                const Json& routes = child(handler, "routes");
                for (const Json& route : routes.is_array() ? routes : Json::array()) {
                    read_handlers(child(route, "handle"), server);
                }
            } else if (kind == "reverse_proxy") {
                add_upstreams(child(handler, "upstreams"), server);
            } else if (kind == "vars" || kind == "file_server") {
                const std::string root = text_of(child(handler, "root"));
                server.root = root.starts_with('/') ? root : server.root;
            } else if (kind == "static_response") {
                server.redirects = !child(child(handler, "headers"), "Location").is_null();
            }
        }
    }

    static void add_upstreams(const Json& upstreams, WebServer& server) {
        for (const Json& upstream : upstreams.is_array() ? upstreams : Json::array()) {
            std::string address = text_of(child(upstream, "dial"));
            if (address.starts_with("unix/")) {
                address = "unix:" + address.substr(5);
            }
            if (!address.empty() && address.find('{') == std::string::npos) {
                server.backends.push_back({"http", address});
            }
        }
    }

    std::vector<WebListen> m_listens;
    std::vector<WebServer>& m_servers;
};

} // namespace

std::vector<WebServer> caddy_sites(std::string_view json) {
    std::vector<WebServer> servers;
    const Json config = json_depth(json) > k_deepest ? Json() : Json::parse(json, nullptr, false);
    const Json& all = child(child(child(config, "apps"), "http"), "servers");
    for (const Json& server : all.is_object() ? all : Json::object()) {
        std::vector<WebListen> listens;
        const Json& addresses = child(server, "listen");
        for (const Json& address : addresses.is_array() ? addresses : Json::array()) {
            if (const std::optional<WebListen> listen = listen_of(text_of(address))) {
                listens.push_back(*listen);
            }
        }
        Routes(std::move(listens), servers).read(child(server, "routes"));
    }
    return servers;
}

} // namespace lectio

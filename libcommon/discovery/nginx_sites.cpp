#include "discovery/nginx_sites.h"

#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

namespace lectio {
namespace {

using Block = std::vector<NginxDirective>;
using Upstreams = std::map<std::string, std::vector<std::string>>; // name → addresses

constexpr std::uint16_t k_http = 80;
// More than this no configuration of people has; comparing each with each must end.
constexpr std::size_t k_most_names = 200;
constexpr std::size_t k_most_backends = 200;
constexpr std::size_t k_most_servers = 2000;

const NginxDirective* last_of(const Block& block, std::string_view name) {
    const auto found = std::find_if(block.rbegin(), block.rend(),
                                    [&](const NginxDirective& each) { return each.name == name; });
    return found == block.rend() || found->arguments.empty() ? nullptr : &*found;
}

std::string argument_of(const Block& block, std::string_view name) {
    const NginxDirective* found = last_of(block, name);
    const bool known = found != nullptr && found->arguments[0].find('$') == std::string::npos;
    return known ? found->arguments[0] : std::string();
}

std::optional<std::uint16_t> port_from(std::string_view text) {
    const auto port = number_from<std::uint16_t>(text);
    return port != 0 ? port : std::nullopt;
}

bool is_listed(const std::vector<std::string>& arguments, std::string_view word) {
    return std::find(arguments.begin(), arguments.end(), word) != arguments.end();
}

// ── listen ─────────────────────────────────────────────────────────────────────────────────────────────────

// "80", "*:80", "127.0.0.1", "[::]:443", "localhost:8080", "unix:/run/x.sock"
std::optional<WebListen> listen_address(std::string_view text) {
    if (text.starts_with("unix:/")) {
        return WebListen{std::string(text.substr(5)), 0, false};
    }
    if (const std::optional<std::uint16_t> port = port_from(text)) {
        return WebListen{"*", *port, false};
    }
    const bool bracket = text.starts_with('[');
    const std::size_t closed = bracket ? text.find(']') : 0;
    if (closed == std::string_view::npos || text.empty()) {
        return std::nullopt;
    }
    const std::size_t colon = text.find(':', closed);
    const std::string_view host = bracket ? text.substr(1, closed - 1) : text.substr(0, colon);
    const std::optional<std::uint16_t> port =
        colon == std::string_view::npos ? std::optional(k_http) : port_from(text.substr(colon + 1));
    if (!port || host.empty() || host.find_first_of("$ ") != std::string_view::npos) {
        return std::nullopt;
    }
    return WebListen{host == "localhost" ? "127.0.0.1" : std::string(host), *port, false};
}

std::vector<WebListen> listens_of(const Block& server) {
    std::vector<WebListen> listens;
    bool any = false;
    const bool tls_on_all = argument_of(server, "ssl") == "on"; // how it was said before 1.15
    for (const NginxDirective& directive : server) {
        if (directive.name != "listen" || directive.arguments.empty()) {
            continue;
        }
        any = true;
        std::optional<WebListen> listen = listen_address(directive.arguments[0]);
        if (listen && !is_listed(directive.arguments, "quic")) { // over UDP
            listen->tls = tls_on_all || is_listed(directive.arguments, "ssl");
            listens.push_back(*listen);
        }
    }
    return any ? listens : std::vector<WebListen>{{"*", k_http, false}};
}

// ── what is passed on ──────────────────────────────────────────────────────────────────────────────────────

struct Pass {
    std::string_view directive, protocol;
};
constexpr std::array k_passes{Pass{"proxy_pass", "http"}, Pass{"fastcgi_pass", "fastcgi"},
                              Pass{"uwsgi_pass", "uwsgi"}, Pass{"scgi_pass", "scgi"},
                              Pass{"grpc_pass", "grpc"}};

// The address in "http://127.0.0.1:8000/path", "unix:/run/x.sock", "http://unix:/run/x.sock:/path", "backend".
std::string address_in(std::string_view target) {
    if (target.starts_with("unix:")) {
        return std::string(target.substr(0, target.find(':', 5)));
    }
    return std::string(target.substr(0, target.find('/')));
}

void add_backend(std::vector<WebBackend>& backends, WebBackend backend) {
    const bool is_known = std::find(backends.begin(), backends.end(), backend) != backends.end();
    if (!is_known && backends.size() < k_most_backends) {
        backends.push_back(std::move(backend));
    }
}

void add_pass(const NginxDirective& directive, const Pass& pass, const Upstreams& upstreams,
              std::vector<WebBackend>& backends) {
    std::string_view target = directive.arguments[0];
    std::string protocol(pass.protocol);
    if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos) {
        protocol = to_lower_ascii(target.substr(0, scheme));
        protocol = protocol == "grpcs" ? "grpc" : protocol;
        target.remove_prefix(scheme + 3);
    }
    if (target.find('$') != std::string_view::npos) {
        return;
    }
    const std::string address = address_in(target);
    const auto group = upstreams.find(address);
    for (const std::string& each : group != upstreams.end() ? group->second : std::vector{address}) {
        const bool has_port =
            each.starts_with("unix:") || each.find(':', each.rfind(']') + 1) != std::string::npos;
        add_backend(backends, {protocol, has_port ? each : each + (protocol == "https" ? ":443" : ":80")});
    }
}

std::vector<WebBackend> passes_in(const Block& block, const Upstreams& upstreams) {
    std::vector<WebBackend> backends;
    for (const NginxDirective& directive : block) {
        const auto pass = std::find_if(k_passes.begin(), k_passes.end(),
                                       [&](const Pass& each) { return each.directive == directive.name; });
        if (pass != k_passes.end() && !directive.arguments.empty()) {
            add_pass(directive, *pass, upstreams, backends);
        }
        if (directive.name == "location" || directive.name == "if" || directive.name == "limit_except") {
            for (WebBackend& inner : passes_in(directive.block, upstreams)) {
                add_backend(backends, std::move(inner));
            }
        }
    }
    return backends;
}

Upstreams upstreams_of(const Block& http) {
    Upstreams upstreams;
    for (const NginxDirective& directive : http) {
        if (directive.name != "upstream" || directive.arguments.empty()) {
            continue;
        }
        std::vector<std::string>& addresses = upstreams[directive.arguments[0]];
        for (const NginxDirective& server : directive.block) {
            if (server.name == "server" && !server.arguments.empty() &&
                !is_listed(server.arguments, "down")) {
                addresses.push_back(server.arguments[0]);
            }
        }
    }
    return upstreams;
}

// ── a server ───────────────────────────────────────────────────────────────────────────────────────────────

const NginxDirective* front_location(const Block& server) {
    const auto found = std::find_if(server.begin(), server.end(), [](const NginxDirective& each) {
        return each.name == "location" && !each.arguments.empty() && each.arguments.back() == "/" &&
               (each.arguments.size() == 1 || each.arguments[0] == "^~");
    });
    return found == server.end() ? nullptr : &*found;
}

// A `return` outside of any `if`: with a URL, or with a status that is no page.
bool is_answered_by_return(const Block& block) {
    const NginxDirective* found = last_of(block, "return");
    return found != nullptr && !found->arguments[0].starts_with('2');
}

std::vector<std::string> names_of(const Block& server) {
    std::vector<std::string> names;
    for (const NginxDirective& directive : server) {
        if (directive.name != "server_name") {
            continue;
        }
        for (const std::string& argument : directive.arguments) {
            std::string name = to_lower_ascii(argument);
            name = name.starts_with('.') ? name.substr(1) : name; // ".example.org": itself and all below it
            const bool is_listed_already = std::find(names.begin(), names.end(), name) != names.end();
            if (is_host_name(name) && !is_listed_already && names.size() < k_most_names) {
                names.push_back(std::move(name));
            }
        }
    }
    return names;
}

WebServer server_from(const Block& block, const Upstreams& upstreams, const std::string& outer_root,
                      const std::string& outer_certificate) {
    WebServer server;
    server.names = names_of(block);
    server.listens = listens_of(block);
    server.certificate = argument_of(block, "ssl_certificate");
    server.certificate = server.certificate.empty() ? outer_certificate : server.certificate;
    server.backends = passes_in(block, upstreams);
    server.root = argument_of(block, "root");
    server.root = server.root.empty() ? outer_root : server.root;
    server.redirects = is_answered_by_return(block);
    if (const NginxDirective* front = front_location(block)) {
        server.front = passes_in(front->block, upstreams);
        const std::string own = argument_of(front->block, "root");
        server.root = own.empty() ? server.root : own;
        server.redirects = server.redirects || is_answered_by_return(front->block);
    }
    if (!server.front.empty() || !server.root.starts_with('/')) {
        server.root.clear(); // a relative one is relative to what nginx was built with
    }
    return server;
}

} // namespace

NginxSites nginx_sites(const NginxTree& tree) {
    NginxSites sites;
    sites.whole = tree.whole;
    sites.user = argument_of(tree.directives, "user");
    for (const NginxDirective& http : tree.directives) {
        if (http.name != "http") {
            continue;
        }
        const Upstreams upstreams = upstreams_of(http.block);
        const std::string root = argument_of(http.block, "root");
        const std::string certificate = argument_of(http.block, "ssl_certificate");
        for (const NginxDirective& server : http.block) {
            if (server.name == "server" && sites.servers.size() < k_most_servers) {
                sites.servers.push_back(server_from(server.block, upstreams, root, certificate));
            }
        }
    }
    return sites;
}

} // namespace lectio

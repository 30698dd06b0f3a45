// What listens and has nothing better than a connection to be asked by; Compose projects.
#include "discovery/ask.h"
#include "discovery/compose_projects.h"
#include "discovery/finder.h"
#include "util/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_listens{"{} listens on {}", "{} слушает {}"};
constexpr Phrase k_something_listens{"something listens on {}", "кто-то слушает {}"};
constexpr Phrase k_its_unit{"its program listens on {}", "его программа слушает {}"};
constexpr Phrase k_compose{"a Compose project with {}", "проект Compose: {}"};

constexpr Duration k_api_timeout{500};
constexpr const char* k_docker_socket = "/var/run/docker.sock";
constexpr std::uint16_t k_http = 80;
constexpr std::uint16_t k_https = 443;
// From here on the kernel gives ports away (ip_local_port_range): who listens there was not told to.
constexpr std::uint16_t k_first_given_away = 32768;

// The host's own: a site is not down when they are.
bool is_furniture(std::string_view process) {
    constexpr std::array<std::string_view, 18> k_furniture{
        "sshd",       "systemd", "systemd-resolve", "systemd-network",
        "init",       "rpcbind", "rpc.statd",       "cupsd",
        "chronyd",    "ntpd",    "dhclient",        "avahi-daemon",
        "exim4",      "master",  "dnsmasq",         "containerd",
        "tailscaled", "inetd"};
    return process.starts_with("lectio-") ||
           std::find(k_furniture.begin(), k_furniture.end(), process) != k_furniture.end();
}

// Whose it is, for the name of its check.
std::string owner_name(const OwnedListener& listener) {
    const std::string process = clean_line(listener.listener.process);
    const std::string unit = listener.unit.substr(0, listener.unit.rfind('.'));
    return !unit.empty() ? unit : !process.empty() ? process : "port";
}

std::string shown_owner(const OwnedListener& listener) {
    return clean_line(listener.listener.process.empty() ? listener.unit : listener.listener.process);
}

Text why_port(const OwnedListener& listener, const std::string& where) {
    const std::string who = shown_owner(listener);
    return who.empty() ? say(k_something_listens, where) : say(k_listens, who, where);
}

// Ports 80 and 443, whoever holds them: a server that is well answers anything below 500 there.
void add_web_port(Finder& finder, const OwnedListener& each) {
    const Listener& socket = each.listener;
    const bool tls = socket.port == k_https;
    const std::string address = address_to_ask(socket.address);
    const std::string bracketed = address.find(':') == std::string::npos ? address : "[" + address + "]";
    FoundCheck check;
    check.name = tls ? "https" : "http";
    check.about = fmt::format("port {}", socket.port);
    check.why = why_port(each, fmt::format("{}:{}", socket.address, socket.port));
    if (settle_page(finder, check, fmt::format("{}://{}/", check.name, bracketed), "")) {
        check.type = "http";
    } else {
        check.type = "tcp"; // it does not talk to strangers: nginx's `return 444`
        check.keys = {{"address", toml_text(host_and_port(address, socket.port))}};
    }
    if (const std::string owner = finder.about_owner(each); !owner.empty()) {
        check.needs.push_back(owner);
    }
    finder.add(std::move(check));
}

void add_unit_of(Finder& finder, const OwnedListener& each, const std::string& where) {
    if (!each.unit.empty()) {
        finder.add({owner_name(each),
                    "unit " + each.unit,
                    "systemd",
                    {{"unit", toml_text(each.unit)}},
                    {},
                    say(k_its_unit, where)});
    }
}

void add_port(Finder& finder, const OwnedListener& each) {
    const std::string where = host_and_port(address_to_ask(each.listener.address), each.listener.port);
    add_unit_of(finder, each, where);
    FoundCheck check;
    check.name = fmt::format("{}-{}", owner_name(each), each.listener.port);
    check.about = fmt::format("port {}", each.listener.port);
    check.type = "tcp";
    check.keys.emplace_back("address", toml_text(where));
    check.why = why_port(each, where);
    check.needs.push_back(finder.about_owner(each));
    finder.add(std::move(check));
}

} // namespace

void find_ports(Finder& finder) {
    for (const OwnedListener& each : finder.view.listeners) {
        const Listener& socket = each.listener;
        if (socket.port == 0 || finder.is_covered(socket.port)) {
            continue;
        }
        const bool is_known_service = !finder.about_owner(each).empty() && !is_furniture(socket.process);
        if (socket.port == k_http || socket.port == k_https) {
            add_web_port(finder, each);
        } else if (is_known_service && socket.port < k_first_given_away) {
            add_port(finder, each);
        }
    }
}

void find_compose(Finder& finder) {
    const bool runs =
        std::any_of(finder.view.programs.begin(), finder.view.programs.end(), [](const RunningProgram& each) {
            return each.program.role == Program::Role::containers;
        });
    const std::optional<std::string> containers =
        runs ? ask_api(finder.world, fmt::format("unix:{}:/containers/json", k_docker_socket), k_api_timeout)
             : std::nullopt;
    for (const ComposeProject& project : compose_projects(containers.value_or(""))) {
        FoundCheck check;
        check.name = project.name;
        check.about = "compose " + project.name;
        check.type = "docker";
        check.keys.emplace_back("project", toml_text(project.name));
        check.why = say(k_compose, clean_line(fmt::format("{}", fmt::join(project.services, ", "))));
        for (const RunningProgram& each : finder.view.programs) {
            if (each.program.role == Program::Role::containers) {
                check.needs.push_back(Finder::about_running(each));
            }
        }
        if (project.folder.starts_with('/')) {
            finder.hold(project.folder);
        }
        finder.add(std::move(check));
    }
}

} // namespace lectio

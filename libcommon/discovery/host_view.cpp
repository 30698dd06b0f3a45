#include "discovery/host_view.h"

#include "util/text.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Duration k_bus_timeout{1000};
constexpr std::size_t k_most_programs = 300; // each is asked where it belongs, every minute
constexpr std::size_t k_most_doubts = 3;

constexpr Phrase k_impostor{
    "process {} calls itself {} and is {}: what it says of its configuration is not believed",
    "процесс {} называет себя {}, но это {}: его настройкам не доверяем"};

// nginx's command line and Caddy's socket lead us to files that are read as root, and anybody can write what he likes
// into his command line. Believed is what root runs, and a program that root has installed. One whose file we may not
// know is no more than we are.
bool is_what_it_says(const Program& program, const ProcessInfo& process, const Path& file) {
    constexpr std::array<std::string_view, 4> k_installed{"/usr/", "/snap/", "/nix/store/", "/gnu/store/"};
    const bool leads_us = program.name == "nginx" || program.name == "caddy";
    if (!leads_us || process.owner == 0 || file.empty()) {
        return true;
    }
    const std::string name = file.filename().string(); // "nginx (deleted)" after an upgrade
    return (name == program.name || name.starts_with(program.name + " ")) &&
           std::any_of(k_installed.begin(), k_installed.end(),
                       [&](std::string_view folder) { return file.string().starts_with(folder); });
}

// A service of the system: not a session somebody is logged in with, nor a user's own systemd.
std::string service_of(const ProcessPlace& place) {
    return place.unit.ends_with(".service") && !place.unit.starts_with("user@") ? place.unit : std::string();
}

class View {
  public:
    explicit View(World& world) : m_world(world) {}

    HostView look() {
        const Result<std::vector<UnitState>> active = m_world.services.active_services(k_bus_timeout);
        const bool is_absent = !active && active.error().kind == ErrorKind::not_found;
        m_view.systemd = active      ? HostView::Systemd::answers
                         : is_absent ? HostView::Systemd::absent
                                     : HostView::Systemd::silent;
        add_programs();
        add_listeners();
        return std::move(m_view);
    }

  private:
    void add_programs() {
        std::vector<ProcessInfo> processes = m_world.host.processes().value_or({});
        // The lowest first: a server comes before the children it has started.
        std::sort(processes.begin(), processes.end(),
                  [](const ProcessInfo& one, const ProcessInfo& other) { return one.pid < other.pid; });
        for (const ProcessInfo& process : processes) {
            std::optional<Program> program = program_of(process.command_line);
            if (program && process.state != 'Z') {
                add_program(std::move(*program), process);
            }
        }
    }

    void add_program(Program program, const ProcessInfo& process) {
        const ProcessPlace place = place_of(process.pid);
        if (place.contained) {
            return;
        }
        if (!is_what_it_says(program, process, place.program)) {
            doubt(program, process, place.program);
            return;
        }
        RunningProgram running{std::move(program), process.pid, service_of(place), place.folder};
        const bool is_session =
            running.unit.empty() && !place.unit.empty() && !place.unit.ends_with("init.scope");
        // Of a unit's processes the first; without units any may be another server.
        const bool is_known =
            std::any_of(m_view.programs.begin(), m_view.programs.end(), [&](const RunningProgram& each) {
                return !running.unit.empty() && each.unit == running.unit &&
                       each.program.name == running.program.name;
            });
        if (is_session && m_view.systemd != HostView::Systemd::absent) {
            return; // somebody tries something by hand
        }
        if (const std::string changed = option_value(running.program.words, {"--chdir", "--workdir"});
            changed.starts_with('/')) {
            running.folder = changed;
        }
        if (!is_known && m_view.programs.size() < k_most_programs) {
            m_view.programs.push_back(std::move(running));
        }
    }

    void doubt(const Program& program, const ProcessInfo& process, const Path& file) {
        if (m_view.doubts.size() < k_most_doubts) {
            m_view.doubts.push_back(
                say(k_impostor, process.pid, program.name, shorten(clean_line(file.string()), 120)));
        }
    }

    void add_listeners() {
        std::vector<Listener> listeners = m_world.host.listeners().value_or({});
        // Of the sockets of one port that which everybody reaches, and IPv4 before IPv6.
        std::stable_sort(listeners.begin(), listeners.end(), [](const Listener& one, const Listener& other) {
            return std::pair(one.port, rank(one)) < std::pair(other.port, rank(other));
        });
        for (Listener& listener : listeners) {
            const bool is_known =
                listener.port != 0 &&
                std::any_of(m_view.listeners.begin(), m_view.listeners.end(),
                            [&](const OwnedListener& each) { return each.listener.port == listener.port; });
            const ProcessPlace place = place_of(listener.pid);
            if (!is_known && !place.contained) {
                m_view.listeners.push_back({std::move(listener), service_of(place)});
            }
        }
    }

    static int rank(const Listener& listener) {
        const bool everywhere = listener.address == "0.0.0.0" || listener.address == "::";
        return (everywhere ? 0 : 2) + (listener.address.find(':') == std::string::npos ? 0 : 1);
    }

    const ProcessPlace& place_of(int pid) {
        const auto [entry, fresh] = m_places.try_emplace(pid);
        if (fresh && pid > 0) {
            entry->second = m_world.host.place(pid).value_or({});
        }
        return entry->second;
    }

    World& m_world;
    HostView m_view;
    std::map<int, ProcessPlace> m_places;
};

} // namespace

HostView look_at(World& world) {
    return View(world).look();
}

std::string address_to_ask(const std::string& bound) {
    return bound == "*" || bound == "0.0.0.0" || bound == "::" ? "127.0.0.1" : bound;
}

std::string host_and_port(const std::string& address, std::uint16_t port) {
    return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                  : fmt::format("[{}]:{}", address, port);
}

} // namespace lectio

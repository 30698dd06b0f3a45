// What runs and listens on this host, put together once for the whole of discovery.
#pragma once

#include "discovery/programs.h"
#include "platform/host.h"
#include "platform/services.h"
#include "platform/world.h"
#include "words/phrase.h"

#include <string>
#include <vector>

namespace lectio {

struct RunningProgram {
    Program program;
    int pid = 0;
    std::string unit; // "nginx.service"; empty: none, or of a user's session
    Path folder;      // its working folder, --chdir included
};

struct OwnedListener {
    Listener listener;
    std::string unit; // as above
};

struct HostView {
    enum class Systemd { absent, silent, answers };
    Systemd systemd = Systemd::absent;
    std::vector<RunningProgram> programs; // by process; one of each kind in a unit, none of a container
    std::vector<OwnedListener> listeners; // by port and path; one a port
    std::vector<Text> doubts;             // who calls himself what he is not
};

HostView look_at(World& world);

// To which address of this host one connects to reach a socket bound to this one: "0.0.0.0" → "127.0.0.1". IPv6
// addresses come without brackets.
std::string address_to_ask(const std::string& bound);
// "127.0.0.1:8000", "[::1]:8000"
std::string host_and_port(const std::string& address, std::uint16_t port);

} // namespace lectio

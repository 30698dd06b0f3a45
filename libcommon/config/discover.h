// Discovery: what is to be watched on this host when no configuration says so (CONTRACT 1).
#pragma once

#include "platform/clock.h"
#include "platform/world.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// What listens for browsers here, or did within the last week.
struct Discovered {
    struct Web {
        std::uint16_t port = 0; // 80 or 443
        std::string address;    // to which it is bound: "0.0.0.0", "::", "192.0.2.7"
        std::string process;    // its name; may be empty
        WallTime last_seen;     // up to an hour too early: not every run has something to write
    };
    std::vector<Web> web; // by port
};

// What is found now, and of `known` what is gone for less than a week.
Discovered discover(World& world, const Discovered& known);
// As the text of a configuration, with what every host has: disk, memory, units.
std::string config_of(const Discovered& discovered, World& world);

std::string to_json(const Discovered& discovered);
// Tolerant: what is odd is left out. The configuration made of it always loads.
Discovered discovered_from_json(std::string_view text);

} // namespace lectio

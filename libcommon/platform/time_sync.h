// TimeSync: whether this host's clock is kept right, as the kernel knows it (adjtimex(2)).
#pragma once

#include <chrono>
#include <cstdint>

namespace lectio {

struct TimeSync {
    // A time service has set the clock lately. Read from the possible error, as systemd does: the kernel lets it grow
    // from the last correction on, and calls the clock unsynchronised at 16 s. The flag STA_UNSYNC is also set by
    // services that only keep the kernel from writing the hardware clock.
    bool synchronised = false;
    std::chrono::microseconds
        offset{}; // still to be corrected; at most half a second, larger ones are jumped over
    std::chrono::microseconds most_wrong{};                     // how far off it may be
    enum class Leap { none, insert, remove } leap = Leap::none; // at the end of this day (UTC)
};

} // namespace lectio

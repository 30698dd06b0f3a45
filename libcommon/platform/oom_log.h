// oom_log: whom the kernel has killed for want of memory, out of its log.
#pragma once

#include "platform/files.h"
#include "util/units.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct OomVictim {
    Duration boot{}; // when, since boot
    int pid = 0;
    std::string name; // the first 15 bytes of it, as the kernel knows a process
};

// One record of /dev/kmsg ("PRIORITY,NUMBER,MICROSECONDS,FLAGS;text", kernel documentation ABI/testing/dev-kmsg), if it
// is that of a kill.
std::optional<OomVictim> oom_victim_of(std::string_view record);

// Those since `since` (boot time). Empty where the log cannot be read: it needs root's rights, a container has none,
// and it holds the latest records only. Does not block.
std::vector<OomVictim> oom_victims(Duration since, const Path& log = "/dev/kmsg");

} // namespace lectio

// memory: what is available, swap in use, and kills by the kernel for want of memory (OOM).
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"
#include "platform/oom_log.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct MemorySettings {
    Thresholds available{Amount{Amount::Unit::bytes, 256.0 * 1024 * 1024},
                         Amount{Amount::Unit::bytes, 100.0 * 1024 * 1024}};
    Thresholds swap_used;
    Thresholds clear; // of `available`
    enum class Oom { off, warn, critical } oom = Oom::warn;
};

struct MemorySample {
    MemoryInfo info;
    std::optional<std::uint64_t> oom_kills; // since boot; absent where the kernel does not count them
    std::vector<OomVictim> victims = {};    // of the last minutes, as far as the kernel's log tells
};

// Kills that the last run did not know of.
std::uint64_t new_oom_kills(std::uint64_t counter, const Now& now,
                            const std::map<std::string, std::string>& memory);
// The largest first, one a line: "412 MB  gunicorn: worker (123, app.service)"; `unit_of` tells the unit of a process.
std::string largest_processes(std::vector<ProcessInfo> all,
                              const std::function<std::string(int pid)>& unit_of);

CheckResult evaluate_memory(const MemorySample& sample, const MemorySettings& settings, const Now& now,
                            const std::map<std::string, std::string>& memory);
CheckType memory_check_type();

} // namespace lectio

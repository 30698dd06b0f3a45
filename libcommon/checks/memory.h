// memory: what is available, swap in use, and kills by the kernel for want of memory (OOM).
#pragma once

#include "checks/check_type.h"
#include "platform/host.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

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
};

CheckResult evaluate_memory(const MemorySample& sample, const MemorySettings& settings, const Now& now,
                            const std::map<std::string, std::string>& memory);
CheckType memory_check_type();

} // namespace lectio

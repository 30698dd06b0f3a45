// Clock: the only source of time. Wall time is for people, boot time for intervals (CONTRACT 7).
#pragma once

#include "util/units.h"

#include <chrono>
#include <string>

namespace lectio {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
// CLOCK_MONOTONIC: deadlines inside one process.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// One instant as a run sees it; also written into state files.
struct Now {
    WallTime wall;
    Duration boot{};     // CLOCK_BOOTTIME: since boot, counts suspend
    std::string boot_id; // /proc/sys/kernel/random/boot_id; empty when unreadable
    bool operator==(const Now&) const = default;
};

// Time passed from `before` to `after`: boot time where both belong to one boot and the difference lies
// between 0 and 366 days, else wall time, else 0. Never negative.
Duration elapsed(const Now& before, const Now& after);

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Now now() = 0;
    virtual SteadyTime steady() = 0;
    virtual void sleep_for(Duration duration) = 0;
};

// The real one.
class SystemClock final : public Clock {
  public:
    Now now() override;
    SteadyTime steady() override;
    void sleep_for(Duration duration) override;

  private:
    std::string m_boot_id;
};

// RFC 3339 in UTC with Z and whole seconds, for JSON, manifests, ids: "2026-01-22T10:00:00Z".
std::string format_utc(WallTime time);
Result<WallTime> parse_utc(std::string_view text);
// "2026-01-22 10:00:00" and "10:00" in the configured zone, or the host's when `timezone` is empty.
std::string format_local(WallTime time, const std::string& zone);
std::string format_local_clock(WallTime time, const std::string& zone);

// "2h", "7d": so long before `now`; "2026-11-20", "2026-11-20 10:00" and what format_local() writes are in the zone.
Result<WallTime> parse_moment(std::string_view text, WallTime now, const std::string& zone);

} // namespace lectio

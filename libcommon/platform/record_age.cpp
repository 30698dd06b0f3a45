#include "platform/record_age.h"

#include <algorithm>
#include <chrono>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_clocks_differ =
    1min; // so far two readings of a clock that is being adjusted may lie apart

} // namespace

std::optional<Duration> age_of_record(const Now& record, const Now& now) {
    const Duration known = elapsed(record, now);
    const Duration by_wall = now.wall - record.wall;
    // Neither clock knows better, or both say the same.
    const bool is_of_this_boot = !record.boot_id.empty() && record.boot_id == now.boot_id;
    if (known > Duration::zero() || (is_of_this_boot && record.boot == now.boot)) {
        return known;
    }
    return by_wall < -k_clocks_differ ? std::nullopt : std::optional(std::max(by_wall, Duration::zero()));
}

} // namespace lectio

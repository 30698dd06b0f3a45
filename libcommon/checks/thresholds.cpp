#include "checks/thresholds.h"

#include <algorithm>
#include <utility>

namespace lectio {
namespace {

constexpr double k_clear_beyond = 0.2; // of the threshold
constexpr double k_most_percent = 100;

double in_unit_of(const Amount& threshold, const Quantity& seen) {
    const bool share = threshold.unit == Amount::Unit::percent && seen.total.value_or(0) > 0;
    return share ? seen.value / *seen.total * k_most_percent : seen.value;
}

// A share of nothing (a file system without blocks) is neither little nor much.
bool comparable(const Amount& threshold, const Quantity& seen) {
    return threshold.unit != Amount::Unit::percent || !seen.total || *seen.total > 0;
}

bool reached(const Amount& threshold, const Quantity& seen, Direction direction) {
    const double value = in_unit_of(threshold, seen);
    return direction == Direction::runs_out ? value <= threshold.value : value >= threshold.value;
}

Amount default_clear(const Amount& threshold, const Quantity& seen, Direction direction) {
    const double factor = direction == Direction::runs_out ? 1 + k_clear_beyond : 1 - k_clear_beyond;
    const double clear = threshold.value * factor;
    const bool is_share = threshold.unit == Amount::Unit::percent;
    const std::optional<double> most = is_share ? std::optional(k_most_percent) : seen.total;
    // "90% free" must be able to clear, and so must 23 of 24 GB: where there is no fifth beyond it, halfway to all.
    return {threshold.unit, most && clear > *most ? (threshold.value + *most) / 2 : clear};
}

bool cleared(const Amount& clear, const Quantity& seen, Direction direction) {
    const double value = in_unit_of(clear, seen);
    return direction == Direction::runs_out ? value >= clear.value : value <= clear.value;
}

enum class Before { calm, raised };

bool raised(const Quantity& seen, const std::optional<Amount>& threshold, const std::optional<Amount>& clear,
            Direction direction, Before before) {
    if (!threshold || !comparable(*threshold, seen)) {
        return false;
    }
    if (reached(*threshold, seen, direction)) {
        return true;
    }
    return before == Before::raised &&
           !cleared(clear.value_or(default_clear(*threshold, seen, direction)), seen, direction);
}

Status level_from(const std::map<std::string, std::string>& memory, const std::string& key) {
    const auto kept = memory.find(key);
    for (const Status level : {Status::warning, Status::critical}) {
        if (kept != memory.end() && kept->second == to_string(level)) {
            return level;
        }
    }
    return Status::ok; // never seen, or not a word of ours
}

} // namespace

Status judge_thresholds(const Quantity& seen, const Thresholds& raise, const Thresholds& clear,
                        Direction direction, Status previous) {
    const Before critical = previous == Status::critical ? Before::raised : Before::calm;
    if (raised(seen, raise.critical, clear.critical, direction, critical)) {
        return Status::critical;
    }
    // What was critical was past the warning value as well.
    const Before warning = previous == Status::warning ? Before::raised : critical;
    return raised(seen, raise.warn, clear.warn, direction, warning) ? Status::warning : Status::ok;
}

Status judge_thresholds(const Quantity& seen, const Thresholds& raise, const Thresholds& clear,
                        Direction direction, const std::string& name,
                        const std::map<std::string, std::string>& before,
                        std::map<std::string, std::string>& after) {
    const std::string key = "level-" + name;
    const Status level = judge_thresholds(seen, raise, clear, direction, level_from(before, key));
    if (level == Status::ok) {
        after.erase(key);
    } else {
        after[key] = std::string(to_string(level));
    }
    return level;
}

void raise(CheckResult& result, Status status, Text message, Text hint) {
    if (status != result.status && worst(status, result.status) == status) {
        result.status = status;
        result.message = std::move(message);
        result.hint = std::move(hint);
    }
}

std::optional<double> in_units_of(const Quantity& seen, const std::optional<Amount>& threshold) {
    if (!threshold) {
        return std::nullopt;
    }
    const bool share = threshold->unit == Amount::Unit::percent && seen.total.value_or(0) > 0;
    return share ? threshold->value / k_most_percent * *seen.total : threshold->value;
}

} // namespace lectio

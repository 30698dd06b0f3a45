// Judging a quantity by thresholds that have a value to raise at and a value to clear at (CONTRACT 12).
#pragma once

#include "checks/check.h"
#include "config/values.h"

#include <map>
#include <optional>
#include <string>

namespace lectio {

enum class Direction {
    runs_out, // free space, days left: bad at or below
    grows,    // use, age, length of a queue: bad at or above
};

// What was measured, in the thresholds' own unit: bytes, milliseconds or a plain number; for a share, percent
// of `total`. Without a total (or with 0) a percent threshold compares with `value` itself, which is then a
// share.
struct Quantity {
    double value = 0;
    std::optional<double> total;
};

// The level of `seen`, given the level of the last run: raised at the threshold, kept until the clear value
// is reached. Without `clear` that lies a fifth of the threshold beyond it: raised at 10% free, clear at 12%.
// Returns ok, warning or critical.
Status judge_thresholds(const Quantity& seen, const Thresholds& raise, const Thresholds& clear,
                        Direction direction, Status previous);

// The same, the last level taken from `before` and the new one kept in `after` under "level-NAME" (ok is not
// kept).
Status judge_thresholds(const Quantity& seen, const Thresholds& raise, const Thresholds& clear,
                        Direction direction, const std::string& name,
                        const std::map<std::string, std::string>& before,
                        std::map<std::string, std::string>& after);

// Of several things that a check judges the worst makes its status, its message and its hint; of two that are as bad
// the first.
void raise(CheckResult& result, Status status, Text message, Text hint = {});

// The threshold in the unit of Quantity::value, for a Metric: "15%" of 200 is 30.
std::optional<double> in_units_of(const Quantity& seen, const std::optional<Amount>& threshold);

} // namespace lectio

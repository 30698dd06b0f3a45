// journal: new messages of systemd's journal, by unit, urgency and expression. Read on from the entry at which the last
// run stopped; counted over a window of time, by the time of reading (CONTRACT 26).
#pragma once

#include "checks/check_type.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lectio {

struct JournalCheckSettings {
    std::vector<std::string> units;
    enum class Priority { emerg, alert, crit, err, warning, notice, info, debug } priority = Priority::err;
    std::vector<std::string> matches;
    Thresholds count{Amount{Amount::Unit::number, 1}, std::nullopt};
    Duration window{std::chrono::hours(1)};
    Thresholds clear; // of `count`
};

struct JournalSample {
    std::map<std::string, std::uint64_t> matched; // by unit ("": of none), since the last run
    std::string last;                             // the last such message
    bool is_whole = true;                         // false: there is more, for the next run
};

CheckResult evaluate_journal(const JournalSample& sample, const JournalCheckSettings& settings,
                             const Now& now, const std::map<std::string, std::string>& memory);
CheckType journal_check_type();

} // namespace lectio

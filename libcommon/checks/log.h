// log: new lines of a log file that match, and what an access log says of answers, times and attacks. Read on from
// where the last run stopped; counted over a window of time, by the time of reading (CONTRACT 26).
#pragma once

#include "checks/access_log.h"
#include "checks/check_type.h"
#include "checks/log_reader.h"
#include "checks/tally_window.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace lectio {

struct LogCheckSettings {
    Path path;
    std::vector<std::string> matches;
    Thresholds count{Amount{Amount::Unit::number, 1}, std::nullopt};
    Duration window{std::chrono::minutes(10)};
    LogStart start = LogStart::end;
    Thresholds clear; // of `count`
    enum class Format { text, nginx_access } format = Format::text;
    Thresholds ratio;                          // of answers with 5xx; without a format of lines that match
    std::map<std::string, Thresholds> latency; // by percentile: "p95"
    std::vector<Attack> attacks;
    Thresholds attempts{Amount{Amount::Unit::number, 50}, std::nullopt}; // of one address
    int min_samples = 20;
};

// What new lines add to the window. Names: "matched", "lines", "answers", "errors" (5xx), times (access_log.h), and
// "KIND/ADDRESS" of attempts.
struct LogSample {
    Tallies counts;
    std::string last; // the last line that matched
    LogReading::Reached reached = LogReading::Reached::end;
    bool lost_track = false;
};

CheckResult evaluate_log(const LogSample& sample, const LogCheckSettings& settings, const Now& now,
                         const std::map<std::string, std::string>& memory);
CheckType log_check_type();

} // namespace lectio

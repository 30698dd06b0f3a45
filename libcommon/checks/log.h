// log: new lines of a log file that match. Read on from where the last run stopped; counted over a window of
// time, by the time of reading (CONTRACT 26).
#pragma once

#include "checks/check_type.h"
#include "checks/log_reader.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct LogCheckSettings {
    Path path;
    std::vector<std::string> matches;
    Thresholds count{Amount{Amount::Unit::number, 1}, std::nullopt};
    Duration window{std::chrono::minutes(10)};
    LogStart start = LogStart::end;
    Thresholds clear; // of `count`
};

// Counts the lines that match any of the patterns, all of them in one pass (RE2).
class LineMatcher {
  public:
    explicit LineMatcher(const std::vector<std::string>& patterns);
    ~LineMatcher();
    LineMatcher(const LineMatcher&) = delete;
    LineMatcher& operator=(const LineMatcher&) = delete;

    void look_through(std::string_view lines);
    [[nodiscard]] std::uint64_t count() const { return m_count; }
    [[nodiscard]] const std::string& last() const { return m_last; } // the last line that matched, cut short

  private:
    struct Expression;
    std::unique_ptr<Expression> m_expression;
    std::uint64_t m_count = 0;
    std::string m_last;
};

struct LogSample {
    std::uint64_t matched = 0; // since the last run
    std::string last;          // the last such line
    LogReading::Reached reached = LogReading::Reached::end;
};

CheckResult evaluate_log(const LogSample& sample, const LogCheckSettings& settings, const Now& now,
                         const std::map<std::string, std::string>& memory);
CheckType log_check_type();

} // namespace lectio

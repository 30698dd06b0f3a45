// Log: the suite's own log files, in the old suite's format, so that what reads them goes on reading.
//
//   text:       [2026-01-22 10:00:00] [INFO] message
//   alerts.log: 2026-01-22 10:00:00 [critical] message
//   json:       {"time":"2026-01-22T10:00:00Z","level":"info","tool":"lectio-health","message":"…"}
//
// Lines are kept until flush() and written with one append, so that two tools never mix within a line. A log
// that cannot be written stops nothing: flush() says why, the report tells it.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"

#include <string>

namespace lectio {

enum class LogLevel { debug, info, success, warn, error };
enum class LogFormat { text, json };

class Log {
  public:
    // `file` is paths.logs/health.log; lines below `lowest` are dropped.
    Log(Files& files, Path file, std::string tool, LogFormat format, LogLevel lowest, std::string zone);

    void add(WallTime time, LogLevel level, std::string_view message);
    // A line of alerts.log: the level is the alert's own word.
    void add_alert(WallTime time, std::string_view level, std::string_view message);
    Result<void> flush();

  private:
    Files& m_files;
    Path m_file;
    std::string m_tool;
    LogFormat m_format;
    LogLevel m_lowest;
    std::string m_timezone;
    std::string m_pending;
};

} // namespace lectio

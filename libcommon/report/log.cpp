#include "report/log.h"

#include "util/secret.h"
#include "util/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr mode_t k_log_mode = 0640;

std::string_view word(LogLevel level) {
    switch (level) {
    case LogLevel::debug:
        return "DEBUG";
    case LogLevel::info:
        return "INFO";
    case LogLevel::success:
        return "SUCCESS";
    case LogLevel::warn:
        return "WARN";
    case LogLevel::error:
        return "ERROR";
    }
    return "INFO";
}

// SUCCESS is information that the old suite wrote in green.
int rank(LogLevel level) {
    switch (level) {
    case LogLevel::debug:
        return 0;
    case LogLevel::info:
    case LogLevel::success:
        return 1;
    case LogLevel::warn:
        return 2;
    case LogLevel::error:
        return 3;
    }
    return 1;
}

} // namespace

Log::Log(Files& files, Path file, std::string tool, LogFormat format, LogLevel lowest, std::string zone)
    : m_files(files), m_file(std::move(file)), m_tool(std::move(tool)), m_format(format), m_lowest(lowest),
      m_timezone(std::move(zone)) {}

void Log::add(WallTime time, LogLevel level, std::string_view message) {
    if (rank(level) < rank(m_lowest)) {
        return;
    }
    const std::string words = clean_line(redact(message));
    if (m_format == LogFormat::json) {
        const nlohmann::ordered_json line{{"time", format_utc(time)},
                                          {"level", to_lower_ascii(word(level))},
                                          {"tool", m_tool},
                                          {"message", words}};
        m_pending += line.dump() + '\n';
    } else {
        m_pending += fmt::format("[{}] [{}] {}\n", format_local(time, m_timezone), word(level), words);
    }
}

void Log::add_alert(WallTime time, std::string_view level, std::string_view message) {
    const std::string words = clean_line(redact(message));
    if (m_format == LogFormat::json) {
        const nlohmann::ordered_json line{
            {"time", format_utc(time)}, {"level", level}, {"tool", m_tool}, {"message", words}};
        m_pending += line.dump() + '\n';
    } else {
        m_pending += fmt::format("{} [{}] {}\n", format_local(time, m_timezone), level, words);
    }
}

Result<void> Log::flush() {
    if (m_pending.empty()) {
        return {};
    }
    const std::string lines = std::exchange(m_pending, {});
    return m_files.append(m_file, lines, k_log_mode);
}

} // namespace lectio

// How many of a site's answers are errors of the server (5xx), by its access logs: before a release, and since.
#pragma once

#include "checks/log_reader.h"
#include "platform/files.h"
#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace lectio::release {

struct Answered {
    std::int64_t all = 0, errors = 0;
};

// Pure. Why it is not well that of the answers since then the share of errors is this much, in percent points, above the one
// before; nothing: it is well, or there are too few answers to say.
std::optional<Text> too_many_errors(const Answered& before, const Answered& since, double allowed);

class ErrorShare {
  public:
    // Logs in nginx's "combined" (checks/access_log.h). One that cannot be read says nothing.
    ErrorShare(Files& files, std::vector<Path> logs) : m_files(files), m_logs(std::move(logs)) {}

    // What visitors got until now, by the last megabyte of each log, is what they get before; from here on it is since.
    void begin();
    // Since is from here on; before stays.
    void begin_again();
    [[nodiscard]] const Answered& before() const { return m_before; }
    // 64 MB of each log at most: a share of them is as good.
    [[nodiscard]] Answered since();

  private:
    Files& m_files;
    std::vector<Path> m_logs;
    std::map<Path, LogPosition> m_positions;
    Answered m_before;
};

} // namespace lectio::release

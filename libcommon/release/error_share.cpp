#include "release/error_share.h"

#include "checks/access_log.h"
#include "util/text.h"

#include <fmt/format.h>

namespace lectio::release {
namespace {

constexpr Bytes k_before = 1_MB, k_since = 64_MB;
// Of fewer answers, or of one unlucky visitor, nobody is to be taken back.
constexpr std::int64_t k_least_answers = 20, k_least_errors = 3;
constexpr double k_percent = 100;

constexpr Phrase k_too_many{"of {} answers since the swap {} were errors of the server ({}%), before it {}%",
                            "из {} ответов после переключения {} — ошибки сервера ({}%), до него — {}%"};

void count(std::string_view lines, Answered& answered) {
    for (const std::string_view line : split_lines(lines)) {
        if (const std::optional<AccessLine> answer = parse_access_line(line)) {
            constexpr int k_first_of_the_server = 500; // RFC 9110, 15.6
            ++answered.all;
            answered.errors += answer->status >= k_first_of_the_server ? 1 : 0;
        }
    }
}

double share_of(const Answered& answered) {
    return answered.all == 0
               ? 0
               : k_percent * static_cast<double>(answered.errors) / static_cast<double>(answered.all);
}

} // namespace

std::optional<Text> too_many_errors(const Answered& before, const Answered& since, double allowed) {
    const bool is_well = since.all < k_least_answers || since.errors < k_least_errors ||
                         share_of(since) <= share_of(before) + allowed;
    return is_well ? std::nullopt
                   : std::optional(say(k_too_many, since.all, since.errors,
                                       fmt::format("{:.1f}", share_of(since)),
                                       fmt::format("{:.1f}", share_of(before))));
}

void ErrorShare::begin() {
    m_before = {};
    m_positions.clear();
    for (const Path& log : m_logs) {
        const Result<LogReading> here = read_new_lines(m_files, log, std::nullopt, LogStart::end, k_before,
                                                       [](std::string_view) { return true; });
        if (!here) {
            continue;
        }
        m_positions[log] = here->position;
        const Bytes end{here->position.offset};
        const Bytes begin{end > k_before ? end.count - k_before.count : 0};
        if (const Result<std::string> lines = m_files.read_from(log, begin, Bytes{end.count - begin.count})) {
            count(*lines, m_before);
        }
    }
}

void ErrorShare::begin_again() {
    for (auto& [log, position] : m_positions) {
        const Result<LogReading> here = read_new_lines(m_files, log, std::nullopt, LogStart::end, k_before,
                                                       [](std::string_view) { return true; });
        if (here) {
            position = here->position;
        }
    }
}

Answered ErrorShare::since() {
    Answered answered;
    for (auto& [log, position] : m_positions) {
        // What is gone meanwhile (rotated, and away) is not counted.
        [[maybe_unused]] const Result<LogReading> read =
            read_new_lines(m_files, log, position, LogStart::begin, k_since, [&](std::string_view lines) {
                count(lines, answered);
                return true;
            });
    }
    return answered;
}

} // namespace lectio::release

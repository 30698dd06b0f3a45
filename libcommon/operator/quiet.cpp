// Mute and maintenance: markers in paths.run, as the judge and the scripts before it read them (CONTRACT 22).
#include "operator/desk.h"
#include "platform/clock.h"
#include "util/text.h"
#include "words/error_words.h"

#include <chrono>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr mode_t k_folder_mode = 0755; // as the pipeline makes it
constexpr mode_t k_marker_mode = 0644; // scripts of other users look at them
constexpr Duration k_shortest = 1min;
constexpr Duration k_longest_mute = 24h * 7;
constexpr Duration k_longest_maintenance = 2h; // the judge ends it then, whatever the marker says
constexpr std::size_t k_longest_reason = 200;

constexpr Phrase k_muted{"muted until {}: failures are mended, nothing is sent",
                         "тишина до {}: сбои чинятся, но сообщения не отправляются"};
constexpr Phrase k_would_mute{"would be muted until {}", "была бы тишина до {}"};
constexpr Phrase k_bad_mute{"\"{}\" is no time to be silent for: 30m, 2h, 1d; from a minute to a week",
                            "«{}» — не длительность тишины: 30m, 2h, 1d; от минуты до недели"};
constexpr Phrase k_unmuted{"the mute is over: what is broken now is told by the next run",
                           "тишина снята: о том, что сломано сейчас, сообщит следующий запуск"};
constexpr Phrase k_not_muted{"it was not muted", "тишины и не было"};
constexpr Phrase k_still_muted{"{}; but ALERTS_MUTED=1 in the configuration still mutes everything",
                               "{}; но ALERTS_MUTED=1 в настройках всё равно глушит все сообщения"};
constexpr Phrase k_in_maintenance{"maintenance until {}: nothing is mended, nothing is sent",
                                  "обслуживание до {}: ничего не чинится и не отправляется"};
constexpr Phrase k_would_maintain{"would be in maintenance until {}", "было бы обслуживание до {}"};
constexpr Phrase k_bad_maintenance{"\"{}\" is no time for maintenance: 30m, 1h, at most 2h; or off",
                                   "«{}» — не длительность обслуживания: 30m, 1h, не больше 2h; или off"};
constexpr Phrase k_maintained{"the maintenance is over: failures are mended and told again",
                              "обслуживание окончено: сбои снова чинятся, и о них сообщается"};
constexpr Phrase k_not_in_maintenance{"there was no maintenance", "обслуживания и не было"};
constexpr Phrase k_would_remove{"would remove {}", "был бы удалён {}"};
constexpr Phrase k_no_quiet{"not muted, no maintenance, no deploy: failures are mended and told",
                            "тишины, обслуживания и деплоя нет: сбои чинятся, и о них сообщается"};
constexpr Phrase k_reason{"{} ({})", "{} ({})"};

std::optional<Duration> duration_within(std::string_view text, Duration longest) {
    const Result<Duration> duration = parse_duration(text);
    const bool good = duration && *duration >= k_shortest && *duration <= longest;
    return good ? std::optional(*duration) : std::nullopt;
}

std::string epoch(WallTime time) {
    return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).time_since_epoch().count());
}

} // namespace

Answer Desk::mute(std::string_view duration, std::string_view reason) {
    const std::optional<Duration> length = duration_within(duration, k_longest_mute);
    if (!length) {
        return {Answer::Kind::wrong, say(k_bad_mute, clean_line(duration))};
    }
    const WallTime until = m_world.clock.now().wall + *length;
    if (m_effect == Effect::none) {
        return {Answer::Kind::done, say(k_would_mute, minute(until))};
    }
    Answer answer = put(markers().mute, epoch(until) + "\n", say(k_muted, minute(until)));
    if (answer.kind == Answer::Kind::done) {
        // The marker holds the time alone, for the scripts that read it: why stands beside it, with the mute it is of.
        const std::string why = shorten(clean_line(reason), k_longest_reason);
        const std::string note = fmt::format("{} {}{}{}\n", epoch(until), m_by, why.empty() ? "" : ": ", why);
        [[maybe_unused]] const Result<void> noted =
            write_atomically(m_world.files, reason_file(), note, k_marker_mode);
    }
    return answer;
}

Answer Desk::unmute() {
    Answer answer = take_away(markers().mute, say(k_unmuted));
    if (answer.words.empty()) {
        answer.words = say(k_not_muted);
    }
    if (answer.kind == Answer::Kind::done && m_config.always_muted) {
        answer.words = say(k_still_muted, answer.words);
    }
    return answer;
}

Answer Desk::maintenance(std::string_view word) {
    if (word == "off") {
        Answer answer = take_away(markers().maintenance, say(k_maintained));
        if (answer.words.empty()) {
            answer.words = say(k_not_in_maintenance);
        }
        return answer;
    }
    const std::optional<Duration> length = duration_within(word, k_longest_maintenance);
    if (!length) {
        return {Answer::Kind::wrong, say(k_bad_maintenance, clean_line(word))};
    }
    const WallTime until = m_world.clock.now().wall + *length;
    if (m_effect == Effect::none) {
        return {Answer::Kind::done, say(k_would_maintain, minute(until))};
    }
    return put(markers().maintenance, epoch(until) + "\n", say(k_in_maintenance, minute(until)));
}

Text Desk::quiet_now() const {
    Text lines;
    for (const QuietSpan& span : suppression().spans) {
        Text line = quiet_words(span, m_config.timezone);
        if (const std::string reason = mute_reason(); span.quiet == Quiet::mute && !reason.empty()) {
            line = say(k_reason, line, reason);
        }
        lines = join("\n", {lines, line});
    }
    return lines.empty() ? say(k_no_quiet) : lines;
}

MarkerPaths Desk::markers() const {
    return marker_paths(m_config.paths.run, m_config.mute_file);
}

Path Desk::reason_file() const {
    return m_config.paths.run / "mute_reason";
}

Suppression Desk::suppression() const {
    Markers read = read_markers(m_world.files, markers());
    read.always_muted = m_config.always_muted;
    return judge_markers(read, "health", {}, m_config.alerts.deploy_grace, m_world.clock.now());
}

// Of the mute that is in force; a script may have muted anew since it was written.
std::string Desk::mute_reason() const {
    const Result<std::string> note = m_world.files.read(reason_file(), 4_kB);
    const Result<std::string> marker = m_world.files.read(markers().mute, 4_kB);
    if (!note || !marker) {
        return {};
    }
    const std::string_view line = trim(*note);
    const std::size_t blank = std::min(line.find(' '), line.size());
    return line.substr(0, blank) == trim(*marker) ? clean_line(line.substr(blank)) : std::string();
}

Answer Desk::put(const Path& marker, std::string_view content, Text words) const {
    Result<void> written = m_world.files.make_folders(marker.parent_path(), k_folder_mode);
    if (written) {
        written = write_atomically(m_world.files, marker, content, k_marker_mode);
    }
    return written ? Answer{Answer::Kind::done, std::move(words)} : failure(written.error());
}

// Done without words: there was none.
Answer Desk::take_away(const Path& marker, Text words) const {
    if (m_effect == Effect::none) {
        const bool there = m_world.files.info(marker).ok();
        return {Answer::Kind::done, there ? say(k_would_remove, marker.string()) : Text{}};
    }
    const Result<void> removed = m_world.files.remove(marker);
    if (removed) {
        return {Answer::Kind::done, std::move(words)};
    }
    return removed.error().kind == ErrorKind::not_found ? Answer{} : failure(removed.error());
}

Answer Desk::failure(const Error& error) const {
    const auto kind = error.kind == ErrorKind::permission ? Answer::Kind::denied : Answer::Kind::failed;
    return {kind, error_words(error.message)};
}

std::string Desk::minute(WallTime time) const {
    return format_local(time, m_config.timezone).substr(0, 16);
}

} // namespace lectio

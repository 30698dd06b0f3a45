#include "checks/log.h"

#include "checks/moment.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <re2/re2.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Noun k_lines{"line", "lines", "строка", "строки", "строк"};
constexpr Phrase k_none{"no matching lines (window: {})", "подходящих строк не было (период: {})"};
constexpr Phrase k_found{"found in {}: {} (window: {})", "найдено в {}: {} (период: {})"};
constexpr Phrase k_more{"the log grows faster than it is read: the rest follows in the next run",
                        "журнал растёт быстрее, чем читается: остальное — в следующий раз"};
constexpr Phrase k_missing{"there is no log file {}", "нет файла журнала {}"};
constexpr Phrase k_unread{"unable to read the log: {}", "не удалось прочитать журнал: {}"};
constexpr Phrase k_matches_all{"an empty expression matches every line",
                               "пустому выражению подходит любая строка"};
constexpr Phrase k_no_expression{"not a regular expression: {}", "это не регулярное выражение: {}"};
constexpr Phrase k_look{"look: tail -n 100 {}", "посмотреть: tail -n 100 {}"};

// In one run. A log that grows by more in a minute is read late, never skipped.
constexpr Bytes k_most_read = 64_MB;
// Of the run's time, what is left to others when reading stops.
constexpr Duration k_reserve = 2s;
constexpr std::size_t k_longest_evidence = 300; // characters
constexpr std::size_t k_longest_kept = 2000;    // bytes of a line, before it is cleaned
// Counts are kept in this many steps of the window: the memory stays small however long it is.
constexpr int k_steps = 30;

constexpr const char* k_position = "position";
constexpr const char* k_absent = "absent"; // the file was not there: when it comes, all of it is new
constexpr const char* k_counts = "counts";
constexpr const char* k_evidence = "evidence";

RE2::Options options() {
    RE2::Options chosen;
    chosen.set_log_errors(false);
    chosen.set_never_nl(true); // [^x] and \s must not reach into the next line
    return chosen;
}

std::optional<Text> expression_complaint(const std::string& expression) {
    if (expression.empty()) {
        return say(k_matches_all);
    }
    const RE2 compiled(expression, options());
    return compiled.ok() ? std::nullopt
                         : std::optional(say(k_no_expression, expression_words(compiled.error())));
}

const Schema<LogCheckSettings>& log_schema() {
    static const Schema<LogCheckSettings> schema =
        Schema<LogCheckSettings>{
            required("path", &LogCheckSettings::path, "the log file"),
            required("matches", &LogCheckSettings::matches,
                     "regular expressions (RE2); a line that matches any counts")
                .or_single()
                .check(expression_complaint),
            optional("count", &LogCheckSettings::count, "matching lines within the window")
                .units({Amount::Unit::number})
                .grows(),
            optional("window", &LogCheckSettings::window, "lines are counted over this time")
                .between(1min, 24h * 7),
            optional("start", &LogCheckSettings::start, "where the first run begins to read")
                .one_of({{"end", LogStart::end}, {"begin", LogStart::begin}}),
            optional("clear", &LogCheckSettings::clear, "`count` at which it is well again")
                .units({Amount::Unit::number})
                .or_empty(),
            later<std::string>("format", "how lines are taken apart").one_of({"nginx-access"}),
            later<Thresholds>("ratio", "share of answers with 5xx, without `format` of matching lines")
                .units({Amount::Unit::percent})
                .grows(),
            later<std::map<std::string, Thresholds>>("latency", "percentiles of the time to answer")
                .units({Amount::Unit::milliseconds})
                .grows(),
            later<std::vector<std::string>>("attacks", "kinds of attacks to look for")
                .one_of({"brute-force", "traversal", "sql-injection", "scanner"}),
            later<int>("min_samples", "a ratio of fewer lines is not judged").between(1, 1'000'000),
        }
            .verify([](const LogCheckSettings& settings) {
                return clear_complaints(settings.count, settings.clear, Limits::Direction::grows);
            });
    return schema;
}

// Matches within the window: how many, and when they were read.
struct Count {
    std::uint64_t matches = 0;
    Now read;
};

std::vector<Count> counts_from(const std::map<std::string, std::string>& memory) {
    std::vector<Count> counts;
    const auto kept = memory.find(k_counts);
    const std::string_view text = kept == memory.end() ? std::string_view() : kept->second;
    for (const std::string_view part : split(text, ' ')) {
        Count count;
        const auto [end, reason] = std::from_chars(part.data(), part.data() + part.size(), count.matches);
        if (reason != std::errc{} || end == part.data() + part.size() || *end != '@') {
            continue;
        }
        if (const std::optional<Now> read =
                moment_from_text(std::string_view(end + 1, part.data() + part.size()))) {
            count.read = *read;
            counts.push_back(std::move(count));
        }
    }
    return counts;
}

std::string counts_to_text(const std::vector<Count>& counts) {
    std::string text;
    for (const Count& count : counts) {
        text += fmt::format("{}{}@{}", text.empty() ? "" : " ", count.matches, moment_to_text(count.read));
    }
    return text;
}

std::vector<Count> counts_within(std::vector<Count> counts, std::uint64_t fresh, const Now& now,
                                 Duration window) {
    std::erase_if(counts, [&](const Count& count) { return elapsed(count.read, now) >= window; });
    if (fresh == 0) {
        return counts;
    }
    if (!counts.empty() && elapsed(counts.back().read, now) < window / k_steps) {
        counts.back().matches += fresh;
    } else {
        counts.push_back({fresh, now});
    }
    return counts;
}

// A line that is not cut in the middle of a character, without what must not leave the host.
std::string evidence_from(const std::string& line) {
    return shorten(redact(clean_line(line)), k_longest_evidence);
}

CheckResult not_read(const Error& error, const LogCheckSettings& settings, const CheckContext& context) {
    CheckResult result;
    result.memory = context.memory;
    if (error.kind != ErrorKind::not_found) {
        result.status = Status::unknown;
        result.message = say(k_unread, error_words(clean_line(error.message)));
        return result;
    }
    // Between two steps of a rotation there is none either; its position is kept, so nothing is read twice.
    result.status = Status::warning;
    result.message = say(k_missing, settings.path.string());
    if (!result.memory.contains(k_position)) {
        result.memory[k_absent] = "1";
    }
    return result;
}

class LogCheck final : public BlockingCheck {
  public:
    explicit LogCheck(LogCheckSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        if (context.recheck) {
            return evaluate_log({}, m_settings, context.now, context.memory); // nothing is read twice
        }
        LineMatcher matcher(m_settings.matches);
        const auto in_time = [&] { return context.world.clock.steady() < context.deadline - k_reserve; };
        const Result<LogReading> reading =
            read_new_lines(context.world.files, m_settings.path, kept_position(context.memory),
                           context.memory.contains(k_absent) ? LogStart::begin : m_settings.start,
                           k_most_read, [&](std::string_view lines) {
                               matcher.look_through(lines);
                               return in_time();
                           });
        if (!reading) {
            return not_read(reading.error(), m_settings, context);
        }
        CheckResult result = evaluate_log({matcher.count(), matcher.last(), reading->reached}, m_settings,
                                          context.now, context.memory);
        result.memory[k_position] = position_to_text(reading->position);
        return result;
    }

  private:
    static std::optional<LogPosition> kept_position(const std::map<std::string, std::string>& memory) {
        const auto kept = memory.find(k_position);
        return kept == memory.end() ? std::nullopt : position_from_text(kept->second);
    }

    LogCheckSettings m_settings;
};

} // namespace

struct LineMatcher::Expression {
    explicit Expression(const std::string& text) : compiled(text, options()) {}
    RE2 compiled;
};

LineMatcher::LineMatcher(const std::vector<std::string>& patterns) {
    std::string any;
    for (const std::string& pattern : patterns) {
        any += fmt::format("{}(?:{})", any.empty() ? "" : "|", pattern);
    }
    m_expression = std::make_unique<Expression>("(?m)" + any); // ^ and $ are those of a line
}

LineMatcher::~LineMatcher() = default;

// Over the whole text at once, not line by line: most lines do not match, and a call for each would cost
// more than the looking.
void LineMatcher::look_through(std::string_view lines) {
    const re2::StringPiece text(lines.data(), lines.size());
    re2::StringPiece found;
    std::size_t at = 0;
    while (at < lines.size() &&
           m_expression->compiled.Match(text, at, lines.size(), RE2::UNANCHORED, &found, 1)) {
        const auto place = static_cast<std::size_t>(found.data() - lines.data());
        if (place >= lines.size()) {
            return; // an empty match behind the last line
        }
        const std::size_t before = place == 0 ? std::string_view::npos : lines.rfind('\n', place - 1);
        const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
        const std::size_t end = std::min(lines.find('\n', place), lines.size());
        ++m_count;
        m_last = lines.substr(begin, std::min(end - begin, k_longest_kept));
        at = end + 1;
    }
}

CheckResult evaluate_log(const LogSample& sample, const LogCheckSettings& settings, const Now& now,
                         const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.memory = memory;
    result.memory.erase(k_absent);
    const std::vector<Count> counts =
        counts_within(counts_from(memory), sample.matched, now, settings.window);
    std::uint64_t total = 0;
    for (const Count& count : counts) {
        total += count.matches;
    }
    result.memory[k_counts] = counts_to_text(counts);
    const Quantity seen{static_cast<double>(total), std::nullopt};
    result.metrics.push_back({"matches", seen.value, "", in_units_of(seen, settings.count.warn),
                              in_units_of(seen, settings.count.critical)});
    result.status = judge_thresholds(seen, settings.count, settings.clear, Direction::grows, "count", memory,
                                     result.memory);
    const Text window = spoken(std::chrono::floor<std::chrono::seconds>(settings.window).count());
    result.message = total == 0 ? say(k_none, window)
                                : say(k_found, settings.path.string(),
                                      counted(static_cast<std::int64_t>(total), k_lines), window);
    if (sample.matched > 0) {
        result.memory[k_evidence] = evidence_from(sample.last);
    } else if (total == 0) {
        result.memory.erase(k_evidence);
    }
    if (result.status != Status::ok) {
        result.evidence = result.memory.contains(k_evidence) ? result.memory.at(k_evidence) : "";
        result.hint = say(k_look, settings.path.string());
    }
    if (sample.reached == LogReading::Reached::limit) {
        result.message = join("; ", {result.message, say(k_more)});
    }
    return result;
}

CheckType log_check_type() {
    return make_check_type<log_schema, LogCheck>("log", Layer::application, Recheck::no,
                                                 "new lines of a log that match");
}

} // namespace lectio

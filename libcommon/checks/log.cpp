#include "checks/log.h"

#include "checks/thresholds.h"
#include "config/complaints.h"
#include "util/network.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Noun k_lines{"line", "lines", "строка", "строки", "строк"};
constexpr Phrase k_none{"no matching lines", "подходящих строк не было"};
constexpr Phrase k_found{"found in {}: {}", "найдено в {}: {}"};
constexpr Phrase k_in_window{"{} (window: {})", "{} (период: {})"};
constexpr Phrase k_more{"the log grows faster than it is read: the rest follows in the next run",
                        "журнал растёт быстрее, чем читается: остальное — в следующий раз"};
constexpr Phrase k_missing{"there is no log file {}", "нет файла журнала {}"};
constexpr Phrase k_unread{"unable to read the log: {}", "не удалось прочитать журнал: {}"};
constexpr Phrase k_lost_track{
    "the file read before is gone or was emptied: what stood at its end is not known",
    "прежний файл пропал или очищен: что было в его конце, неизвестно"};
constexpr Phrase k_errors{"5xx: {} of {}", "ответы 5xx: {} из {}"};
constexpr Phrase k_share{"matching: {} of {}", "подходящих строк: {} из {}"};
constexpr Phrase k_slow{"the slowest {} of answers take {} or longer",
                        "самые медленные {} ответов заняли {} и дольше"};
constexpr Phrase k_attempts{"attempts from {}: {}", "попытки с {}: {}"};
constexpr Phrase k_quiet{"{} and nothing that stands out", "{}, ничего необычного"};
constexpr Noun k_answers{"answer", "answers", "ответ", "ответа", "ответов"};
// "of 21", "of 42": the genitive.
constexpr Noun k_of_answers{"answer", "answers", "ответа", "ответов", "ответов"};
constexpr Noun k_of_lines{"line", "lines", "строки", "строк", "строк"};
constexpr Phrase k_hint_slow{
    "which: sort the log by its time to answer; a slow query: EXPLAIN, an index",
    "какие: отсортируйте журнал по времени ответа; медленный запрос: EXPLAIN, индекс"};
constexpr Phrase k_hint_attack{"keep these out ({}), limit logins (nginx: limit_req)",
                               "закройте им доступ ({}), ограничьте вход (nginx: limit_req)"};
constexpr Phrase k_hint_own_address{
    "{} is an address of your own, do not shut it out: behind a proxy nginx must log the visitor's "
    "(set_real_ip_from, real_ip_header)",
    "{} — адрес из вашей же сети, не закрывайте его: за прокси nginx должен писать адрес посетителя "
    "(set_real_ip_from, real_ip_header)"};
constexpr Phrase k_from_here{"read from here on: what stood in the log before is not counted",
                             "счёт начнётся отсюда: что было в журнале раньше, не считается"};
constexpr Phrase k_no_times{"not one line tells how long the answer took: latency is not judged",
                            "ни в одной строке нет времени ответа: latency не оценить"};
constexpr Phrase k_no_times_hint{
    "put $request_time at the end of nginx's log_format, or delete latency from this check",
    "добавьте $request_time в конец log_format nginx или уберите latency из этой проверки"};
constexpr Phrase k_nothing_asked{"say what to look for: matches, or format = \"nginx-access\"",
                                 "укажите, что искать: matches или format = \"nginx-access\""};
constexpr Phrase k_needs_format{"only with format = \"nginx-access\"",
                                "только вместе с format = \"nginx-access\""};
constexpr Phrase k_no_percentile{"not a percentile: p50, p90, p95, p99",
                                 "это не перцентиль: p50, p90, p95, p99"};
constexpr Phrase k_brute_force{"password guessing", "подбор пароля"};
constexpr Phrase k_traversal{"foreign files", "чужие файлы"};
constexpr Phrase k_sql_injection{"SQL injection", "SQL-инъекции"};
constexpr Phrase k_scanner{"scanner", "сканер"};
constexpr Phrase k_kind_count{"{} ({})", "{} ({})"};
constexpr Phrase k_look{"look: {}", "посмотреть: {}"};

// In one run. A log that grows by more is read late, never skipped.
constexpr Bytes k_most_read = 4_GB;
// Of the run's time, what reading may take: what the others have found must not wait for a log's gigabytes.
constexpr int k_share_of_time = 4;
constexpr std::size_t k_longest_evidence = 300; // characters
constexpr std::size_t k_longest_kept = 2000;    // bytes of a line, before it is cleaned
// Counts are kept in this many steps of the window: the memory stays small however long it is.
constexpr int k_steps = 30;

constexpr const char* k_absent = "absent"; // the file was not there: when it comes, all of it is new
constexpr const char* k_counts = "counts";
constexpr const char* k_evidence = "evidence";

// Of an access log each step holds dozens of numbers.
constexpr int k_access_steps = 12;
constexpr std::size_t k_most_addresses = 10; // in one run, those with most attempts
constexpr std::size_t k_most_told = 3;
// Loopback, private, link-local, shared (RFC 1122, 1918, 3927, 4193, 6598): a proxy, a container, this host itself.
constexpr std::array k_own_networks{"127.0.0.0/8",    "10.0.0.0/8",    "172.16.0.0/12", "192.168.0.0/16",
                                    "169.254.0.0/16", "100.64.0.0/10", "::1",           "fc00::/7",
                                    "fe80::/10"};

constexpr std::string_view k_matched = "matched";
constexpr std::string_view k_all_lines = "lines";
constexpr std::string_view k_all_answers = "answers";
constexpr std::string_view k_5xx = "errors";

std::optional<int> percent_of(std::string_view percentile) {
    static const std::map<std::string_view, int> known{{"p50", 50}, {"p90", 90}, {"p95", 95}, {"p99", 99}};
    const auto found = known.find(percentile);
    return found == known.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Text> percentile_complaint(const std::string& name) {
    return percent_of(name) ? std::nullopt : std::optional(say(k_no_percentile));
}

std::vector<Complaint> log_complaints(const LogCheckSettings& settings) {
    std::vector<Complaint> complaints =
        clear_complaints(settings.count, settings.clear, Limits::Direction::grows);
    const bool is_access = settings.format == LogCheckSettings::Format::nginx_access;
    if (settings.matches.empty() && !is_access) {
        complaints.push_back({"matches", say(k_nothing_asked)});
    }
    if (!is_access && !settings.latency.empty()) {
        complaints.push_back({"latency", say(k_needs_format)});
    }
    if (!is_access && !settings.attacks.empty()) {
        complaints.push_back({"attacks", say(k_needs_format)});
    }
    return complaints;
}

const Schema<LogCheckSettings>& log_schema() {
    static const Schema<LogCheckSettings> schema =
        Schema<LogCheckSettings>{
            required("path", &LogCheckSettings::path, "the log file"),
            optional("matches", &LogCheckSettings::matches,
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
            optional("format", &LogCheckSettings::format, "how lines are taken apart")
                .one_of({{"text", LogCheckSettings::Format::text},
                         {"nginx-access", LogCheckSettings::Format::nginx_access}}),
            optional("ratio", &LogCheckSettings::ratio,
                     "share of answers with 5xx, without `format` of matching lines")
                .units({Amount::Unit::percent})
                .grows(),
            optional("latency", &LogCheckSettings::latency,
                     "p50, p90, p95, p99 of the time to answer (nginx: $request_time at the line's end)")
                .units({Amount::Unit::milliseconds})
                .grows()
                .check_keys(percentile_complaint),
            optional("attacks", &LogCheckSettings::attacks, "kinds of attempts to look for")
                .one_of({{"brute-force", Attack::brute_force},
                         {"traversal", Attack::traversal},
                         {"sql-injection", Attack::sql_injection},
                         {"scanner", Attack::scanner}}),
            optional("attempts", &LogCheckSettings::attempts, "attempts of one address within the window")
                .units({Amount::Unit::number})
                .grows(),
            optional("min_samples", &LogCheckSettings::min_samples,
                     "a ratio or percentile of fewer is not judged")
                .between(1, 1'000'000),
        }
            .verify(log_complaints);
    return schema;
}

bool is_own_address(std::string_view address) {
    return std::any_of(k_own_networks.begin(), k_own_networks.end(),
                       [&](const char* network) { return Network::parse(network)->contains(address); });
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
    if (!result.memory.contains(k_log_position)) {
        result.memory[k_absent] = "1";
    }
    return result;
}

// Takes new lines apart and counts what is in them.
class LogTaker {
  public:
    explicit LogTaker(const LogCheckSettings& settings) : m_settings(settings), m_attacks(settings.attacks) {
        if (!settings.matches.empty()) {
            m_matcher.emplace(settings.matches);
        }
    }

    void take(std::string_view lines) {
        if (m_matcher) {
            match(lines);
        }
        if (m_settings.format == LogCheckSettings::Format::nginx_access) {
            take_answers(lines);
        } else if (m_settings.ratio != Thresholds{}) {
            const bool ends_amid = !lines.empty() && lines.back() != '\n';
            m_lines += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')) +
                       (ends_amid ? 1 : 0) - (m_counted_amid ? 1 : 0);
            m_counted_amid = ends_amid;
        }
        m_attacks.look_through(lines, [&](Attack attack, std::string_view address) {
            if (m_attempts.size() < k_most_kept || m_attempts.contains({std::string(address), attack})) {
                ++m_attempts[{std::string(address), attack}];
            }
        });
    }

    [[nodiscard]] LogSample taken(const LogReading& reading) const {
        LogSample sample;
        for (const auto& [bucket, count] : m_times) {
            sample.counts[bucket] = count;
        }
        sample.counts[std::string(k_matched)] = m_matched;
        sample.counts[std::string(k_all_lines)] = m_lines;
        sample.counts[std::string(k_all_answers)] = m_answers;
        sample.counts[std::string(k_5xx)] = m_errors;
        add_attempts(sample.counts);
        sample.last = m_last;
        sample.reached = reading.reached;
        sample.lost_track = reading.lost_track;
        return sample;
    }

  private:
    using Attempt = std::pair<std::string, Attack>;
    // Of as many addresses the count of each is known; a storm from more is seen by those.
    static constexpr std::size_t k_most_kept = 20'000;

    // A line that is larger than what is given at once comes in pieces, and is one line for all that.
    void match(std::string_view lines) {
        if (m_is_amid) {
            const std::size_t rest = std::min(lines.find('\n'), lines.size() - 1) + 1;
            if (!m_has_matched) {
                match_lines(lines.substr(0, rest));
            }
            m_is_amid = lines[rest - 1] != '\n';
            lines.remove_prefix(rest);
        }
        if (lines.empty()) {
            return;
        }
        m_is_amid = lines.back() != '\n';
        const std::size_t last = m_is_amid ? lines.rfind('\n') + 1 : lines.size(); // npos + 1 is 0
        match_lines(lines.substr(0, last));
        m_has_matched = false;
        match_lines(lines.substr(last));
    }

    void match_lines(std::string_view lines) {
        m_matcher->look_through(lines, [&](std::string_view line) {
            ++m_matched;
            m_has_matched = true;
            m_last = line.substr(0, k_longest_kept);
        });
    }

    void take_answers(std::string_view lines) {
        while (!lines.empty()) {
            const std::size_t end = std::min(lines.find('\n'), lines.size());
            if (const auto answer = parse_access_line(lines.substr(0, end))) {
                ++m_answers;
                m_errors += answer->status >= 500 ? 1 : 0;
                if (answer->seconds && !m_settings.latency.empty()) {
                    ++m_times[time_bucket(*answer->seconds)];
                }
            }
            lines.remove_prefix(std::min(end + 1, lines.size()));
        }
    }

    // Of the addresses with most of them.
    void add_attempts(Tallies& counts) const {
        std::map<std::string, std::uint64_t> by_address;
        for (const auto& [attempt, count] : m_attempts) {
            by_address[attempt.first] += count;
        }
        std::vector<std::pair<std::uint64_t, std::string>> most;
        for (const auto& [address, count] : by_address) {
            most.emplace_back(count, address);
        }
        std::sort(most.rbegin(), most.rend());
        most.resize(std::min(most.size(), k_most_addresses));
        for (const auto& [attempt, count] : m_attempts) {
            const auto& [address, attack] = attempt;
            if (is_ip_address(address) && std::any_of(most.begin(), most.end(), [&](const auto& one) {
                    return one.second == address;
                })) {
                counts[fmt::format("{}/{}", k_attack_names[static_cast<std::size_t>(attack)], address)] +=
                    count;
            }
        }
    }

    const LogCheckSettings& m_settings;
    std::optional<LineMatcher> m_matcher;
    AttackFinder m_attacks;
    std::uint64_t m_matched = 0, m_lines = 0, m_answers = 0, m_errors = 0;
    std::map<std::string, std::uint64_t> m_times;
    std::map<Attempt, std::uint64_t> m_attempts;
    std::string m_last;
    bool m_is_amid = false,
         m_has_matched = false; // what was matched ended amid a line, which has matched already
    bool m_counted_amid = false;
};

class LogCheck final : public BlockingCheck {
  public:
    explicit LogCheck(LogCheckSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        if (context.recheck) {
            return evaluate_log({}, m_settings, context.now, context.memory); // nothing is read twice
        }
        LogTaker taker(m_settings);
        const SteadyTime began = context.world.clock.steady();
        const SteadyTime stop = began + (context.deadline - began) / k_share_of_time;
        const Result<LogReading> reading =
            read_new_lines(context.world.files, m_settings.path, kept_position(context.memory),
                           context.memory.contains(k_absent) ? LogStart::begin : m_settings.start,
                           k_most_read, [&](std::string_view lines) {
                               taker.take(lines);
                               return context.world.clock.steady() < stop;
                           });
        if (!reading) {
            return not_read(reading.error(), m_settings, context);
        }
        CheckResult result = evaluate_log(taker.taken(*reading), m_settings, context.now, context.memory);
        const bool is_first_look = !result.memory.contains(k_log_position) &&
                                   !context.memory.contains(k_absent) && m_settings.start == LogStart::end;
        if (is_first_look && result.status == Status::ok) {
            result.message = say(k_from_here); // nothing is known of the window yet
        }
        result.memory[k_log_position] = position_to_text(reading->position);
        return result;
    }

  private:
    static std::optional<LogPosition> kept_position(const std::map<std::string, std::string>& memory) {
        const auto kept = memory.find(k_log_position);
        return kept == memory.end() ? std::nullopt : position_from_text(kept->second);
    }

    LogCheckSettings m_settings;
};

// As one word of a shell.
std::string in_quotes(std::string_view text) {
    constexpr std::string_view k_plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
    if (text.find_first_not_of(k_plain) == std::string_view::npos) {
        return std::string(text);
    }
    std::string quoted = "'";
    for (const char each : text) {
        quoted += each == '\'' ? "'\\''" : std::string(1, each);
    }
    return quoted + "'";
}

// ── Judging ─────────────────────────────────────────────────────────────────────────────────────────────────

class Judging {
  public:
    Judging(const LogSample& sample, const LogCheckSettings& settings, const Now& now,
            const std::map<std::string, std::string>& before)
        : m_sample(sample), m_settings(settings), m_before(before),
          m_window(spoken(std::chrono::floor<std::chrono::seconds>(settings.window).count())) {
        m_result.status = Status::ok;
        m_result.memory = before;
        m_result.memory.erase(k_absent);
        const auto kept = before.find(k_counts);
        TallyWindow window = TallyWindow::from(kept == before.end() ? std::string_view() : kept->second);
        window.add(sample.counts, now, settings.window, is_access() ? k_access_steps : k_steps);
        m_result.memory[k_counts] = window.text();
        m_total = window.total();
    }

    CheckResult judge() {
        m_result.message =
            is_access() ? say(k_quiet, counted(static_cast<std::int64_t>(count(k_all_answers)), k_answers))
                        : say(k_none);
        if (!m_settings.matches.empty()) {
            judge_count();
        }
        judge_ratio();
        judge_latency();
        judge_attempts();
        m_result.message = say(k_in_window, m_result.message, m_window);
        judge_times();
        add_notes();
        return std::move(m_result);
    }

  private:
    [[nodiscard]] bool is_access() const {
        return m_settings.format == LogCheckSettings::Format::nginx_access;
    }
    [[nodiscard]] std::uint64_t count(std::string_view name) const {
        const auto found = m_total.find(std::string(name));
        return found == m_total.end() ? 0 : found->second;
    }
    Status level(double seen, const Thresholds& thresholds, const Thresholds& clear,
                 const std::string& name) {
        return judge_thresholds({seen, std::nullopt}, thresholds, clear, Direction::grows, name, m_before,
                                m_result.memory);
    }
    void add_metric(const std::string& name, double value, const char* unit, const Thresholds& thresholds) {
        const Quantity seen{value, std::nullopt};
        m_result.metrics.push_back(
            {name, value, unit, in_units_of(seen, thresholds.warn), in_units_of(seen, thresholds.critical)});
    }

    void judge_count() {
        const std::uint64_t total = count(k_matched);
        add_metric("matches", static_cast<double>(total), "", m_settings.count);
        const Status status = level(static_cast<double>(total), m_settings.count, m_settings.clear, "count");
        if (total > 0) {
            const Text message =
                say(k_found, m_settings.path.string(), counted(static_cast<std::int64_t>(total), k_lines));
            if (status == Status::ok) {
                m_result.message = message;
            } else {
                tell(status, message, say(k_look, command_to_look(false)));
            }
        }
        if (count_of_sample(k_matched) > 0) {
            m_result.memory[k_evidence] = evidence_from(m_sample.last);
        } else if (total == 0) {
            m_result.memory.erase(k_evidence);
        }
        if (status != Status::ok && m_result.memory.contains(k_evidence)) {
            m_result.evidence = m_result.memory.at(k_evidence);
        }
    }

    [[nodiscard]] std::uint64_t count_of_sample(std::string_view name) const {
        const auto found = m_sample.counts.find(std::string(name));
        return found == m_sample.counts.end() ? 0 : found->second;
    }

    void judge_ratio() {
        if (m_settings.ratio == Thresholds{}) {
            return;
        }
        const std::uint64_t all = count(is_access() ? k_all_answers : k_all_lines);
        if (all < static_cast<std::uint64_t>(m_settings.min_samples)) {
            return;
        }
        const double part = static_cast<double>(count(is_access() ? k_5xx : k_matched));
        const double percent = part / static_cast<double>(all) * 100;
        add_metric("ratio", percent, "%", m_settings.ratio);
        const Noun& noun = is_access() ? k_of_answers : k_of_lines;
        tell(level(percent, m_settings.ratio, {}, "ratio"),
             say(is_access() ? k_errors : k_share, fmt::format("{:.1f}%", percent),
                 counted(static_cast<std::int64_t>(all), noun)),
             say(k_look, command_to_look(is_access())));
    }

    // The lines that were counted, the newest last, also where the log was rotated meanwhile.
    [[nodiscard]] std::string command_to_look(bool at_errors) const {
        constexpr std::size_t k_longest_pattern = 200;
        const std::string path = in_quotes(m_settings.path.string());
        std::string pattern = at_errors ? R"(" 5[0-9]{2} )" : "";
        for (const std::string& one : at_errors ? std::vector<std::string>() : m_settings.matches) {
            pattern += (pattern.empty() ? "" : "|") + one;
        }
        return pattern.empty() || pattern.size() > k_longest_pattern
                   ? fmt::format("tail -n 100 {}", path)
                   : fmt::format("grep -shP {0} {1}.1 {1} | tail -n 20", in_quotes(pattern), path);
    }

    [[nodiscard]] std::uint64_t timed_answers() const {
        std::uint64_t all = 0;
        for (const auto& [name, number] : m_total) {
            all += is_time_bucket(name) ? number : 0;
        }
        return all;
    }

    void judge_times() {
        if (!m_settings.latency.empty() && timed_answers() == 0 &&
            count(k_all_answers) >= static_cast<std::uint64_t>(m_settings.min_samples)) {
            tell(Status::warning, say(k_no_times), say(k_no_times_hint));
        }
    }

    void judge_latency() {
        const std::uint64_t all = timed_answers();
        const std::uint64_t enough = static_cast<std::uint64_t>(m_settings.min_samples);
        for (const auto& [name, thresholds] : m_settings.latency) {
            const int percent = percent_of(name).value_or(0);
            const auto ms = percentile(m_total, percent / 100.0);
            if (!ms || all < enough) {
                continue;
            }
            add_metric(name, *ms, "ms", thresholds);
            tell(level(*ms, thresholds, {}, name),
                 say(k_slow, fmt::format("{}%", 100 - percent),
                     format_duration(std::chrono::duration_cast<Duration>(
                         std::chrono::duration<double, std::milli>(*ms)))),
                 say(k_hint_slow));
        }
    }

    void judge_attempts() {
        if (m_settings.attacks.empty()) {
            return;
        }
        std::map<std::string, std::map<std::size_t, std::uint64_t>> by_address;
        std::map<std::string, std::uint64_t> all;
        for (std::size_t kind = 0; kind < k_attack_names.size(); ++kind) {
            const std::string prefix = std::string(k_attack_names[kind]) + "/";
            for (auto found = m_total.lower_bound(prefix);
                 found != m_total.end() && found->first.starts_with(prefix); ++found) {
                const std::string address = found->first.substr(prefix.size());
                by_address[address][kind] += found->second;
                all[address] += found->second;
            }
        }
        std::vector<std::pair<std::uint64_t, std::string>> most;
        for (const auto& [address, number] : all) {
            most.emplace_back(number, address);
        }
        std::sort(most.rbegin(), most.rend());
        const double worst_count = most.empty() ? 0 : static_cast<double>(most.front().first);
        add_metric("attempts", worst_count, "", m_settings.attempts);
        const Status status = level(worst_count, m_settings.attempts, {}, "attempts");
        if (status == Status::ok || most.empty()) {
            return;
        }
        std::erase_if(most, [this](const auto& one) { // the few of this host itself: its own monitor's
            return is_own_address(one.second) && !is_past(one.first);
        });
        most.resize(std::min(most.size(), k_most_told));
        Text told;
        for (const auto& [number, address] : most) {
            told = listed("; ", told, say(k_attempts, address, kinds_of(by_address[address])));
        }
        tell(status, told, hint_for(most));
    }

    [[nodiscard]] bool is_past(std::uint64_t number) const {
        return !m_settings.attempts.warn || static_cast<double>(number) >= m_settings.attempts.warn->value;
    }

    // Those that are past the threshold; never one that is the host's own or its proxy's.
    [[nodiscard]] Text hint_for(const std::vector<std::pair<std::uint64_t, std::string>>& most) const {
        std::string commands;
        for (const auto& [number, address] : most) {
            if ((is_past(number) || number == most.front().first) && !is_own_address(address)) {
                commands += fmt::format("{}ufw prepend deny from {}", commands.empty() ? "" : "; ", address);
            }
        }
        Text hint = commands.empty() ? Text{} : say(k_hint_attack, commands);
        if (is_own_address(most.front().second)) {
            const Text own = say(k_hint_own_address, most.front().second);
            hint = hint.empty() ? own : join("; ", {own, hint});
        }
        return hint;
    }

    // What one finding says does not hide another: attempts on the doors are told beside a flood of 5xx.
    void tell(Status status, const Text& message, const Text& hint) {
        if (status == Status::ok) {
            return;
        }
        if (m_result.status == Status::ok) {
            raise(m_result, status, message, hint);
            return;
        }
        const bool is_worse = status != m_result.status && worst(status, m_result.status) == status;
        const Text& first = is_worse ? message : m_result.message;
        const Text& second = is_worse ? m_result.message : message;
        m_result.message = join("; ", {first, second});
        if (m_result.hint != hint) {
            m_result.hint = is_worse ? join("; ", {hint, m_result.hint}) : join("; ", {m_result.hint, hint});
        }
        m_result.status = worst(status, m_result.status);
    }

    static Text kinds_of(const std::map<std::size_t, std::uint64_t>& kinds) {
        static constexpr std::array k_names{&k_brute_force, &k_traversal, &k_sql_injection, &k_scanner};
        Text told;
        for (const auto& [kind, number] : kinds) {
            told = listed(", ", told, say(k_kind_count, say(*k_names.at(kind)), number));
        }
        return told;
    }

    static Text listed(std::string_view separator, const Text& list, const Text& one) {
        return list.empty() ? one : join(separator, {list, one});
    }

    void add_notes() {
        if (m_sample.reached == LogReading::Reached::limit) {
            m_result.message = join("; ", {m_result.message, say(k_more)});
        }
        if (m_sample.lost_track) {
            m_result.message = join("; ", {m_result.message, say(k_lost_track)});
        }
    }

    const LogSample& m_sample;
    const LogCheckSettings& m_settings;
    const std::map<std::string, std::string>& m_before;
    Text m_window;
    Tallies m_total;
    CheckResult m_result;
};

} // namespace

CheckResult evaluate_log(const LogSample& sample, const LogCheckSettings& settings, const Now& now,
                         const std::map<std::string, std::string>& memory) {
    return Judging(sample, settings, now, memory).judge();
}

CheckType log_check_type() {
    return make_check_type<log_schema, LogCheck>(
        "log", Layer::application, Recheck::no,
        "new lines of a log that match; answers, times and attempts in an access log");
}

} // namespace lectio

#include "checks/journal.h"

#include "checks/line_matcher.h"
#include "checks/tally_window.h"
#include "checks/thresholds.h"
#include "config/complaints.h"
#include "platform/journal.h"
#include "platform/unit_name.h"
#include "util/number.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Priority = JournalCheckSettings::Priority;

constexpr Noun k_messages{"message", "messages", "сообщение", "сообщения", "сообщений"};
constexpr Phrase k_none{"no such messages in the journal (window: {})",
                        "таких сообщений в журнале не было (период: {})"};
constexpr Phrase k_found{"in the journal: {} (window: {})", "в журнале: {} (период: {})"};
constexpr Phrase k_mostly{"{}, the most from {}", "{}, больше всего от {}"};
constexpr Phrase k_more{"the journal grows faster than it is read: the rest follows in the next run",
                        "журнал растёт быстрее, чем читается: остальное — в следующий раз"};
constexpr Phrase k_unread{"unable to read the journal: {}", "не удалось прочитать журнал: {}"};
constexpr Phrase k_rights_hint{"who is not root reads it as a member of systemd-journal or adm",
                               "без root его читают участники групп systemd-journal или adm"};
constexpr Phrase k_look{"look: journalctl{} -p {} -n 50 --no-pager",
                        "посмотреть: journalctl{} -p {} -n 50 --no-pager"};

constexpr Duration k_reserve = 2s; // of the run's time, left to others when reading stops
constexpr std::size_t k_longest_evidence = 300;
constexpr std::size_t k_most_units = 100; // counted by name
constexpr std::array<std::string_view, 8> k_priorities{"emerg",   "alert",  "crit", "err",
                                                       "warning", "notice", "info", "debug"};

constexpr int k_steps = 30; // of the window

constexpr const char* k_cursor = "cursor";
constexpr const char* k_since = "since"; // where nothing was there to stop at; microseconds
constexpr const char* k_counts = "counts";
constexpr const char* k_evidence = "evidence";

const Schema<JournalCheckSettings>& journal_schema() {
    static const Schema<JournalCheckSettings> schema =
        Schema<JournalCheckSettings>{
            optional("units", &JournalCheckSettings::units,
                     "what these wrote, and systemd of them; empty: all")
                .check(unit_complaint),
            optional("priority", &JournalCheckSettings::priority, "this or worse")
                .one_of({{"emerg", Priority::emerg},
                         {"alert", Priority::alert},
                         {"crit", Priority::crit},
                         {"err", Priority::err},
                         {"warning", Priority::warning},
                         {"notice", Priority::notice},
                         {"info", Priority::info},
                         {"debug", Priority::debug}}),
            optional("matches", &JournalCheckSettings::matches,
                     "regular expressions (RE2); a message that matches any counts; empty: all")
                .or_single()
                .check(expression_complaint),
            optional("count", &JournalCheckSettings::count, "messages within the window")
                .units({Amount::Unit::number})
                .grows(),
            optional("window", &JournalCheckSettings::window, "messages are counted over this time")
                .between(1min, 24h * 7),
            optional("clear", &JournalCheckSettings::clear, "`count` at which it is well again")
                .units({Amount::Unit::number})
                .or_empty(),
        }
            .verify([](const JournalCheckSettings& settings) {
                return clear_complaints(settings.count, settings.clear, Limits::Direction::grows);
            });
    return schema;
}

std::string kept(const std::map<std::string, std::string>& memory, const char* key) {
    const auto found = memory.find(key);
    return found == memory.end() ? std::string() : found->second;
}

class JournalCheck final : public BlockingCheck {
  public:
    explicit JournalCheck(JournalCheckSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        if (context.recheck) {
            return evaluate_journal({}, m_settings, context.now, context.memory); // nothing is read twice
        }
        JournalSample sample;
        const LineMatcher matcher(m_settings.matches);
        const auto in_time = [&] { return context.world.clock.steady() < context.deadline - k_reserve; };
        const Result<JournalReading> reading =
            read_new_entries(question(context), [&](const JournalEntry& entry) {
                take(entry, matcher, sample);
                return in_time();
            });
        if (!reading) {
            return not_read(reading.error(), context);
        }
        sample.is_whole = reading->is_whole;
        CheckResult result = evaluate_journal(sample, m_settings, context.now, context.memory);
        if (reading->cursor.empty()) {
            result.memory.try_emplace(k_since, std::to_string(microseconds(context.now)));
        } else {
            result.memory[k_cursor] = reading->cursor;
            result.memory.erase(k_since);
        }
        return result;
    }

  private:
    static std::int64_t microseconds(const Now& now) {
        return std::chrono::duration_cast<std::chrono::microseconds>(now.wall.time_since_epoch()).count();
    }

    [[nodiscard]] JournalQuestion question(const CheckContext& context) const {
        JournalQuestion question;
        for (const std::string& unit : m_settings.units) {
            question.units.push_back(full_unit_name(unit));
        }
        question.priority = static_cast<int>(m_settings.priority);
        question.cursor = kept(context.memory, k_cursor);
        question.since = number_from<std::int64_t>(kept(context.memory, k_since)).value_or(0);
        return question;
    }

    void take(const JournalEntry& entry, const LineMatcher& matcher, JournalSample& sample) const {
        std::string line = entry.message;
        std::replace(line.begin(), line.end(), '\n', ' '); // a message is one, however many lines it has
        if (!m_settings.matches.empty() && !matcher.matches(line)) {
            return;
        }
        const bool is_known = sample.matched.contains(entry.unit) || sample.matched.size() < k_most_units;
        ++sample.matched[is_known ? entry.unit : std::string()];
        sample.last = std::move(line);
    }

    // What was remembered is kept: the next run reads on where the last one stopped.
    static CheckResult not_read(const Error& error, const CheckContext& context) {
        CheckResult result;
        result.memory = context.memory;
        result.message = say(k_unread, error_words(clean_line(error.message)));
        result.hint = say(k_rights_hint);
        if (error.kind == ErrorKind::invalid) {
            result.memory.erase(k_cursor); // begun anew
        }
        return result;
    }

    JournalCheckSettings m_settings;
};

std::string journalctl_units(const JournalCheckSettings& settings) {
    std::string words;
    for (const std::string& unit : settings.units) {
        words += fmt::format(" -u {}", unit);
    }
    return words;
}

} // namespace

CheckResult evaluate_journal(const JournalSample& sample, const JournalCheckSettings& settings,
                             const Now& now, const std::map<std::string, std::string>& memory) {
    CheckResult result;
    result.memory = memory;
    std::uint64_t fresh = 0;
    std::pair<std::string, std::uint64_t> most;
    for (const auto& [unit, count] : sample.matched) {
        fresh += count;
        if (!unit.empty() && count > most.second) {
            most = {unit, count};
        }
    }
    TallyWindow window_counts = TallyWindow::from(kept(memory, k_counts));
    window_counts.add({{"messages", fresh}}, now, settings.window, k_steps);
    const Tallies within = window_counts.total();
    const std::uint64_t total = within.contains("messages") ? within.at("messages") : 0;
    result.memory[k_counts] = window_counts.text();
    const Quantity seen{static_cast<double>(total), std::nullopt};
    result.metrics.push_back({"messages", seen.value, "", in_units_of(seen, settings.count.warn),
                              in_units_of(seen, settings.count.critical)});
    result.status = judge_thresholds(seen, settings.count, settings.clear, Direction::grows, "count", memory,
                                     result.memory);
    const Text window = spoken(std::chrono::floor<std::chrono::seconds>(settings.window).count());
    const Text count = counted(static_cast<std::int64_t>(total), k_messages);
    const std::string unit = shorten(clean_line(most.first), 80);
    result.message = total == 0 ? say(k_none, window)
                                : say(k_found, unit.empty() ? count : say(k_mostly, count, unit), window);
    if (fresh > 0) {
        result.memory[k_evidence] = shorten(redact(clean_line(sample.last)), k_longest_evidence);
    } else if (total == 0) {
        result.memory.erase(k_evidence);
    }
    if (result.status != Status::ok) {
        result.evidence = kept(result.memory, k_evidence);
        result.hint = say(k_look, journalctl_units(settings),
                          k_priorities.at(static_cast<std::size_t>(settings.priority)));
    }
    if (!sample.is_whole) {
        result.message = join("; ", {result.message, say(k_more)});
    }
    return result;
}

CheckType journal_check_type() {
    return make_check_type<journal_schema, JournalCheck>("journal", Layer::application, Recheck::no,
                                                         "new messages of the journal");
}

} // namespace lectio

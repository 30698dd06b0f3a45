// What --check-config says.
#include "config/load.h"
#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_good{"{}: good", "{}: всё в порядке"};
constexpr Phrase k_warned{"{}: no errors, {}", "{}: ошибок нет, {}"};
constexpr Phrase k_checks{"lectio-health: {}, at most {} a run", "lectio-health: {}, не дольше {} за запуск"};
constexpr Phrase k_later_word{"comes later", "появится позже"};
constexpr Phrase k_off_word{"off", "выключена"};
constexpr Phrase k_needs_word{"needs {}", "зависит от {}"};
constexpr Phrase k_because{"  because: {}", "  почему: {}"};
constexpr Phrase k_recovery{"recovery, top to bottom:", "восстановление, сверху вниз:"};
constexpr Phrase k_rung{"  {}: {} when {} fails", "  {}: {}, когда не в порядке {}"};
constexpr Phrase k_limits{"  at most {} in a row, {} an hour", "  не больше {} подряд, {} в час"};
constexpr Phrase k_channels{"alerts through: {}", "оповещения через: {}"};
constexpr Phrase k_no_channels{"alerts: no channel, nothing is sent",
                               "оповещения: каналов нет, ничего не отправляется"};
constexpr Phrase k_paths{"state {}, markers {}, logs {}", "состояние {}, метки {}, журналы {}"};
constexpr Noun k_warning_noun{"warning", "warnings", "предупреждение", "предупреждения", "предупреждений"};
constexpr Noun k_check_noun{"check", "checks", "проверка", "проверки", "проверок"};
constexpr Noun k_attempt_noun{"attempt", "attempts", "попытки", "попыток", "попыток"};

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

// Writes the summary line by line, in the configured language.
class Summary {
  public:
    Summary(const Config& config, std::int64_t warnings) : m_config(config), m_warnings(warnings) {}

    std::string text() {
        if (!m_config.file.empty()) { // otherwise the first assumption says so
            add(m_warnings == 0 ? say(k_good, m_config.file)
                                : say(k_warned, m_config.file, counted(m_warnings, k_warning_noun)));
        }
        for (const Text& assumption : m_config.assumed) {
            add(assumption);
        }
        const auto count = static_cast<std::int64_t>(m_config.health.checks.size());
        add(say(k_checks, counted(count, k_check_noun), format_duration(m_config.health.deadline)));
        for (const CheckSettings& check : m_config.health.checks) {
            m_text += check_line(check);
        }
        for (const Text& line : m_config.explained) {
            add(say(k_because, line));
        }
        add_recovery();
        add_channels();
        add(say(k_paths, m_config.paths.state.string(), m_config.paths.run.string(),
                m_config.paths.logs.string()));
        return m_text;
    }

  private:
    void add(const Text& line) { m_text += line.in(m_config.lang) + "\n"; }

    std::string check_line(const CheckSettings& check) const {
        std::string line = fmt::format("  {:<20} {}", check.name, check.type);
        if (!check.common.needs.empty()) {
            line += ", " + say(k_needs_word, joined(check.common.needs)).in(m_config.lang);
        }
        if (check.later) {
            line += fmt::format(" ({})", k_later_word.in(m_config.lang));
        } else if (!check.common.enabled || !check.unset.empty()) {
            line += fmt::format(" ({})", k_off_word.in(m_config.lang));
        }
        return line + "\n";
    }

    void add_recovery() {
        if (m_config.health.recovery.empty()) {
            return;
        }
        add(say(k_recovery));
        for (const RungSettings& rung : m_config.health.recovery) {
            add(say(k_rung, rung.name, rung.action, joined(rung.when)));
        }
        const LimitSettings& limits = m_config.health.limits;
        add(say(k_limits, counted(limits.attempts, k_attempt_noun), limits.per_hour));
    }

    void add_channels() {
        std::vector<std::string> names;
        for (const TelegramChannel& channel : m_config.channels) {
            if (channel.unset.empty()) {
                names.push_back(channel.name + " (telegram)");
            }
        }
        add(names.empty() ? say(k_no_channels) : say(k_channels, joined(names)));
    }

    const Config& m_config;
    std::int64_t m_warnings;
    std::string m_text;
};

std::int64_t count_warnings(const Problems& problems) {
    return std::count_if(problems.all().begin(), problems.all().end(), [](const Problem& problem) {
        return problem.severity == Problem::Severity::warning;
    });
}

} // namespace

std::string problem_lines(const LoadedConfig& loaded) {
    std::string text;
    for (const Problem& problem : loaded.problems.all()) {
        // "unable to open FILE: …" says where it is already.
        const bool names_file = problem.message.find(loaded.file) != std::string::npos;
        std::string line = problem.position.line == 0 && names_file ? "" : loaded.file;
        if (problem.position.line != 0) {
            line += fmt::format(":{}:{}", problem.position.line, problem.position.column);
        }
        line += line.empty() ? "" : ": ";
        line += problem.severity == Problem::Severity::warning ? "warning: " : "";
        text += clean_line(redact(line + problem.message)) + "\n";
    }
    return text;
}

ConfigVerdict check_config_text(const LoadedConfig& loaded, Strict strict) {
    ConfigVerdict verdict;
    verdict.text = problem_lines(loaded);
    const std::int64_t warnings = count_warnings(loaded.problems);
    verdict.good = loaded.ok() && (strict == Strict::no || warnings == 0);
    if (loaded.ok()) {
        verdict.text += redact(Summary(loaded.config, warnings).text());
    }
    return verdict;
}

} // namespace lectio

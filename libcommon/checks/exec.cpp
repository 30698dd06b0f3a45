#include "checks/exec.h"

#include "config/complaints.h"
#include "util/secret.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Phrase k_no_output{"exit status {}, no output", "код завершения {}, вывода нет"};
constexpr Phrase k_odd_status{"exit status {} is none of a check's (0 to 3): {}",
                              "код завершения {} не предусмотрен для проверок (0–3): {}"};
constexpr Phrase k_silent{"no output", "вывода нет"};
constexpr Phrase k_killed_silent{"ended by signal {}", "завершена сигналом {}"};
constexpr Phrase k_killed{"ended by signal {}: {}", "завершена сигналом {}: {}"};
constexpr Phrase k_timed_out{"no answer within {}", "нет ответа за {}"};
constexpr Phrase k_not_started{"the check could not be started: {}", "проверку не удалось запустить: {}"};

constexpr std::size_t k_longest_message = 300; // characters; what is longer is no message for a phone
constexpr std::size_t k_longest_evidence = 600;
constexpr std::size_t k_longest_label = 64;
constexpr std::size_t k_most_metrics = 50;

const Schema<ExecSettings>& exec_schema() {
    static const Schema<ExecSettings> schema{
        required("command", &ExecSettings::command,
                 "a Nagios plugin with its arguments; no shell. Exit status 0 good, 1 warning, 2 critical, 3 "
                 "unknown"),
        optional("user", &ExecSettings::user, "run as this user").check(user_complaint),
        optional("timeout", &ExecSettings::timeout, "no end by then: critical").between(10ms, 10min),
    };
    return schema;
}

struct Unit {
    std::string_view written;
    double factor;
    std::string_view base;
};
constexpr std::array<Unit, 12> k_units{{{"s", 1, "s"},
                                        {"ms", 1e-3, "s"},
                                        {"us", 1e-6, "s"},
                                        {"ns", 1e-9, "s"},
                                        {"%", 1, "%"},
                                        {"B", 1, "B"},
                                        {"KB", 1024, "B"},
                                        {"MB", 1024.0 * 1024, "B"},
                                        {"GB", 1024.0 * 1024 * 1024, "B"},
                                        {"TB", 1024.0 * 1024 * 1024 * 1024, "B"},
                                        {"c", 1, ""},
                                        {"", 1, ""}}};

// The number at the beginning and what is left.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, reason] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (reason != std::errc{} || !std::isfinite(value)) { // "nan" and "inf" are numbers to from_chars
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

// A threshold is a range in that contract ("10", "10:20", "@1:2"); only the plain form has one value to show.
std::optional<double> plain_threshold(std::string_view text, double factor) {
    const std::optional<double> value = take_number(text);
    return value && text.empty() ? std::optional(*value * factor) : std::nullopt;
}

std::optional<Metric> metric_from(std::string label, std::string_view text) {
    const std::vector<std::string_view> parts = split(text, ';');
    std::string_view rest = parts[0];
    const std::optional<double> value = take_number(rest);
    const auto unit = std::find_if(k_units.begin(), k_units.end(),
                                   [&](const Unit& known) { return known.written == rest; });
    if (!value || unit == k_units.end() || label.empty()) {
        return std::nullopt; // "U": the plugin could not find out
    }
    Metric metric{std::move(label), *value * unit->factor, std::string(unit->base), {}, {}};
    if (parts.size() > 1) {
        metric.warn = plain_threshold(parts[1], unit->factor);
    }
    if (parts.size() > 2) {
        metric.crit = plain_threshold(parts[2], unit->factor);
    }
    return metric;
}

// The label, quoted where it holds blanks ('' is a quote in it), up to its '='.
std::optional<std::string> take_label(std::string_view& text) {
    std::string label;
    if (!text.starts_with('\'')) {
        const std::size_t end = text.find_first_of("= ");
        if (end == std::string_view::npos || text[end] != '=') {
            return std::nullopt;
        }
        label = text.substr(0, end);
        text.remove_prefix(end + 1);
        return label;
    }
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] != '\'') {
            label += text[at];
        } else if (text.substr(at).starts_with("''")) {
            label += text[at++];
        } else if (text.substr(at).starts_with("'=")) {
            text.remove_prefix(at + 2);
            return label;
        } else {
            return std::nullopt;
        }
    }
    return std::nullopt;
}

struct Output {
    std::string first, rest, performance;
};

// "text | data" on the first line; further lines of text, and after a '|' among them data again.
Output split_output(std::string_view out) {
    Output output;
    bool only_data = false;
    bool first = true;
    for (const std::string_view line : split_lines(out)) {
        const std::size_t bar = only_data ? 0 : line.find('|');
        const std::string_view text = only_data ? std::string_view() : line.substr(0, bar);
        if (first) {
            output.first = clean_line(text);
        } else if (!text.empty()) {
            output.rest += clean_line(text) + "\n";
        }
        if (bar != std::string_view::npos) {
            output.performance += fmt::format("{} ", line.substr(only_data ? 0 : bar + 1));
            only_data = !first;
        }
        first = false;
    }
    return output;
}

std::string presentable(std::string_view text, std::size_t longest) {
    return shorten(redact(trim(text)), longest);
}

class ExecCheck final : public BlockingCheck {
  public:
    explicit ExecCheck(ExecSettings settings) : m_settings(std::move(settings)) {}

    CheckResult run(const CheckContext& context) const override {
        ProcessRequest request;
        request.command = m_settings.command;
        request.user = m_settings.user;
        request.timeout = time_for(context, m_settings.timeout);
        const Result<ProcessAnswer> answer = context.world.processes.run(request);
        if (answer && answer->timed_out && request.timeout < m_settings.timeout) {
            return not_finished(context.memory);
        }
        if (answer) {
            return evaluate_exec(*answer, m_settings);
        }
        CheckResult result;
        result.status = Status::unknown;
        result.message = say(k_not_started, error_words(answer.error().message));
        return result;
    }

  private:
    ExecSettings m_settings;
};

} // namespace

std::vector<Metric> parse_performance_data(std::string_view text) {
    std::vector<Metric> metrics;
    while (metrics.size() < k_most_metrics) {
        text = trim(text);
        if (text.empty()) {
            break;
        }
        const std::optional<std::string> label = take_label(text);
        const std::size_t end = std::min(text.find(' '), text.size());
        if (label) {
            const std::string name = shorten(clean_line(*label), k_longest_label);
            if (std::optional<Metric> metric = metric_from(name, text.substr(0, end))) {
                metrics.push_back(std::move(*metric));
            }
        }
        text.remove_prefix(end);
    }
    return metrics;
}

CheckResult evaluate_exec(const ProcessAnswer& answer, const ExecSettings& settings) {
    CheckResult result;
    if (answer.timed_out) {
        result.status = Status::critical;
        result.message = say(k_timed_out, format_duration(settings.timeout));
        return result;
    }
    const Output output = split_output(answer.out);
    const std::vector<std::string_view> complaints = split_lines(answer.err);
    const std::string said = presentable(
        !output.first.empty() || complaints.empty() ? output.first : clean_line(complaints.front()),
        k_longest_message);
    result.metrics = parse_performance_data(output.performance);
    result.evidence = presentable(output.rest, k_longest_evidence);
    if (!answer.exit_status) {
        result.message =
            said.empty() ? say(k_killed_silent, answer.signal) : say(k_killed, answer.signal, said);
    } else if (*answer.exit_status > 3) {
        result.message =
            say(k_odd_status, *answer.exit_status, said.empty() ? say(k_silent) : verbatim(said));
    } else {
        constexpr std::array k_statuses{Status::ok, Status::warning, Status::critical, Status::unknown};
        result.status = k_statuses[static_cast<std::size_t>(*answer.exit_status)];
        result.message = said.empty() ? say(k_no_output, *answer.exit_status) : verbatim(said);
    }
    return result;
}

CheckType exec_check_type() {
    return make_check_type<exec_schema, ExecCheck>("exec", Layer::other, Recheck::yes,
                                                   "a Nagios plugin of your own");
}

} // namespace lectio

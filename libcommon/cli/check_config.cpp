#include "cli/check_config.h"

#include "checks/check.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "report/report.h"
#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"
#include "version.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr Phrase k_good{"{}: good", "{}: всё в порядке"};
constexpr Phrase k_warned{"{}: no errors, {}", "{}: ошибок нет, {}"};
constexpr Phrase k_refused{"{}: not accepted: {}", "{}: не принимается: {}"};
constexpr Phrase k_checks{"lectio-health: {}, at most {} a run", "lectio-health: {}, не дольше {} за запуск"};
constexpr Phrase k_deep_checks{"lectio-deepcheck: {}, at most {} a run",
                               "lectio-deepcheck: {}, не дольше {} за запуск"};
constexpr Phrase k_steps{"lectio-smoke: {}, {}, at most {} a run",
                         "lectio-smoke: {}, {}, не дольше {} за запуск"};
constexpr Phrase k_as_word{"as {}", "от имени {}"};
constexpr Phrase k_off_word{"off", "выключена"};
constexpr Phrase k_every_word{"every {}", "раз в {}"};
constexpr Phrase k_needs_word{"needs {}", "зависит от {}"};
constexpr Phrase k_because{"  because: {}", "  почему: {}"};
constexpr Phrase k_recovery{"recovery, top to bottom:", "восстановление, сверху вниз:"};
constexpr Phrase k_rung{"  {}: {} when {} fails", "  {}: {}, когда не в порядке {}"};
constexpr Phrase k_limits{"  at most {} in a row, {} an hour", "  не больше {} подряд, {} в час"};
constexpr Phrase k_off_channel{"{} ({}, off: {})", "{} ({}, выключен: {})"};
constexpr Phrase k_channels{"alerts through: {}", "оповещения через: {}"};
constexpr Phrase k_no_channels{"alerts: no channel, nothing is sent",
                               "оповещения: каналов нет, ничего не отправляется"};
constexpr Phrase k_paths{"state {}, markers {}, logs {}", "состояние {}, метки {}, журналы {}"};
constexpr Phrase k_not_all_read{"not everything could be read; run with sudo",
                                "не всё удалось прочитать; запустите через sudo"};
constexpr Phrase k_and_more{"{} (and {} more)", "{} (и ещё {})"};
constexpr Noun k_warning_noun{"warning", "warnings", "предупреждение", "предупреждения", "предупреждений"};
constexpr Noun k_check_noun{"check", "checks", "проверка", "проверки", "проверок"};
constexpr Noun k_login_noun{"login", "logins", "вход", "входа", "входов"};
constexpr Noun k_step_noun{"step", "steps", "шаг", "шага", "шагов"};
constexpr Noun k_attempt_noun{"attempt", "attempts", "попытки", "попыток", "попыток"};

using Json = nlohmann::ordered_json;

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

// In one line how things are, when there is no error.
Text headline(const Config& config, std::int64_t warnings, Strict strict) {
    if (config.file.empty()) { // the first assumption says so
        return config.assumed.empty() ? verbatim("") : config.assumed.front();
    }
    return warnings == 0 ? say(k_good, config.file)
                         : say(strict == Strict::yes ? k_refused : k_warned, config.file,
                               counted(warnings, k_warning_noun));
}

Text number_of_checks(const Config& config) {
    const auto count = static_cast<std::int64_t>(config.health.checks.size());
    return say(k_checks, counted(count, k_check_noun), format_duration(config.health.deadline));
}

bool runs(const CheckSettings& check) {
    return check.common.enabled && check.unset.empty();
}

template<class T>
bool runs(const T& asking) {
    return asking.common.enabled && asking.unset.empty();
}

// Writes the summary line by line, in the configured language.
class Summary {
  public:
    Summary(const Config& config, std::int64_t warnings, Strict strict)
        : m_config(config), m_warnings(warnings), m_strict(strict) {}

    std::string text() {
        if (!m_config.file.empty()) { // otherwise the first assumption says so
            add(headline(m_config, m_warnings, m_strict));
        }
        for (const Text& assumption : m_config.assumed) {
            add(assumption);
        }
        if (!m_config.health.checks.empty()) { // other tools look at no host
            add(number_of_checks(m_config));
        }
        for (const CheckSettings& check : m_config.health.checks) {
            m_text += check_line(check);
        }
        for (const Text& line : m_config.explained) {
            add(say(k_because, line));
        }
        add_recovery();
        add_steps();
        add_deep_checks();
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
        if (check.common.every > Duration::zero()) {
            line += ", " + say(k_every_word, format_duration(check.common.every)).in(m_config.lang);
        }
        if (!runs(check)) {
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

    void add_deep_checks() {
        const DeepcheckSettings& deepcheck = m_config.deepcheck;
        if (deepcheck.checks.empty()) {
            return;
        }
        const auto count = static_cast<std::int64_t>(deepcheck.checks.size());
        add(say(k_deep_checks, counted(count, k_check_noun), format_duration(deepcheck.deadline)));
        for (const CheckSettings& check : deepcheck.checks) {
            m_text += check_line(check);
        }
    }

    void add_steps() {
        const SmokeSettings& smoke = m_config.smoke;
        if (smoke.steps.empty() && smoke.logins.empty()) {
            return;
        }
        const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
        add(say(k_steps, counted(count(smoke.logins), k_login_noun), counted(count(smoke.steps), k_step_noun),
                format_duration(smoke.deadline)));
        for (const LoginSettings& login : smoke.logins) {
            add_asking(check_of_login(login.name), login, fmt::format("POST {}", login.post), "");
        }
        for (const StepSettings& step : smoke.steps) {
            const MethodAndTarget asked = method_of(step);
            add_asking(step.name, step, fmt::format("{} {}", asked.method, asked.target), step.as);
        }
    }

    // A login or a step.
    template<class T>
    void add_asking(const std::string& name, const T& asking, const std::string& request,
                    const std::string& as) {
        m_text += fmt::format("  {:<20} {}", name, request);
        if (!as.empty()) {
            m_text += ", " + say(k_as_word, as).in(m_config.lang);
        }
        if (!runs(asking)) {
            m_text += fmt::format(" ({})", k_off_word.in(m_config.lang));
        }
        m_text += "\n";
    }

    void add_channels() {
        Text names;
        for (const ChannelSettings& channel : m_config.channels) {
            const Text why = unset_words(channel.unset, m_config.wrong_variables);
            const std::string name = fmt::format("{} ({})", channel.name, channel.type());
            names = join(", ", {names, channel.unset.empty()
                                           ? verbatim(name)
                                           : say(k_off_channel, channel.name, channel.type(), why)});
        }
        add(names.empty() ? say(k_no_channels) : say(k_channels, names));
    }

    const Config& m_config;
    std::int64_t m_warnings;
    Strict m_strict;
    std::string m_text;
};

std::int64_t count_warnings(const Problems& problems) {
    return std::count_if(problems.all().begin(), problems.all().end(), [](const Problem& problem) {
        return problem.severity == Problem::Severity::warning;
    });
}

bool is_good(const LoadedConfig& loaded, Strict strict) {
    return loaded.ok() && (strict == Strict::no || count_warnings(loaded.problems) == 0);
}

// What could not be read is not judged; what could and is wrong is wrong whatever the rest says.
bool is_unread(const LoadedConfig& loaded) {
    return loaded.needs_rights && loaded.use != LoadedConfig::Use::telling;
}

ExitCode exit_of(const LoadedConfig& loaded, Strict strict) {
    if (is_unread(loaded)) {
        return ExitCode::rights;
    }
    return is_good(loaded, strict) ? ExitCode::ok : ExitCode::configuration;
}

Text cleaned(const Text& text) {
    return {clean_line(text.en), clean_line(text.ru)};
}

// What we could not read, and what to do: the file itself, or the env file that it refers to.
Text unread_words(const LoadedConfig& loaded) {
    const std::string env_file = loaded.config.paths.env_file.string() + ": "; // "unable to open FILE: why"
    for (const Problem& problem : loaded.problems.all()) {
        if (problem.severity == Problem::Severity::error ||
            problem.message.en.find(env_file) != std::string::npos) {
            return say(k_needs_rights, cleaned(problem.message));
        }
    }
    return say(k_not_all_read);
}

// Warnings are no reason where there are errors.
std::vector<std::string_view> reasons_among(std::string_view lines, const Problems& problems) {
    std::vector<std::string_view> all = split_lines(trim(lines));
    if (problems.has_errors()) {
        std::erase_if(
            all, [](std::string_view line) { return line.find(": warning: ") != std::string_view::npos; });
    }
    return all;
}

// Why the exit code is not 0: the first problem, and how many there are beside it.
Text reason_of(const LoadedConfig& loaded) {
    if (is_unread(loaded)) {
        return unread_words(loaded);
    }
    const Text lines = problem_lines(loaded);
    const std::vector<std::string_view> english = reasons_among(lines.en, loaded.problems);
    const std::vector<std::string_view> russian = reasons_among(lines.ru, loaded.problems);
    const Text first{std::string(english.front()), std::string(russian.front())};
    return english.size() > 1 ? say(k_and_more, first, english.size() - 1) : first;
}

// ── JSON ──

std::string safe(std::string_view text) {
    return to_utf8(redact(text));
}

Json or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(safe(text));
}

Json json_of(const Problem& problem, const std::string& file, Lang lang) {
    const bool placed = problem.position.line != 0;
    return Json{{"file", or_null(file)},
                {"line", placed ? Json(problem.position.line) : Json(nullptr)},
                {"column", placed ? Json(problem.position.column) : Json(nullptr)},
                {"message", safe(clean_line(problem.message.in(lang)))},
                {"suggestion", or_null(problem.suggestion)}};
}

Json problems_of(const LoadedConfig& loaded, Problem::Severity severity) {
    Json list = Json::array();
    for (const Problem& problem : loaded.problems.all()) {
        if (problem.severity == severity) {
            list.push_back(json_of(problem, loaded.file, loaded.config.lang));
        }
    }
    return list;
}

// What would run; nothing of a configuration that is wrong.
void add_what_runs(Json& json, const Config& config) {
    json["notes"] = Json::array();
    json["checks"] = Json::array();
    json["steps"] = Json::array();
    json["deepcheck"] = Json::array();
    json["recovery"] = Json::array();
    json["channels"] = Json::array();
    for (const auto* notes : {&config.assumed, &config.explained}) {
        for (const Text& note : *notes) {
            json["notes"].push_back(safe(note.in(config.lang)));
        }
    }
    for (const CheckSettings& check : config.health.checks) {
        json["checks"].push_back({{"name", check.name}, {"type", check.type}, {"runs", runs(check)}});
    }
    for (const CheckSettings& check : config.deepcheck.checks) {
        json["deepcheck"].push_back({{"name", check.name}, {"type", check.type}, {"runs", runs(check)}});
    }
    for (const LoginSettings& login : config.smoke.logins) {
        json["steps"].push_back(
            {{"name", check_of_login(login.name)}, {"type", "login"}, {"runs", runs(login)}});
    }
    for (const StepSettings& step : config.smoke.steps) {
        json["steps"].push_back({{"name", step.name}, {"type", "step"}, {"runs", runs(step)}});
    }
    for (const RungSettings& rung : config.health.recovery) {
        json["recovery"].push_back({{"name", rung.name},
                                    {"action", rung.action},
                                    {"when", rung.when},
                                    {"runs", rung.unset.empty()}});
    }
    for (const ChannelSettings& channel : config.channels) {
        json["channels"].push_back(
            {{"name", channel.name}, {"type", channel.type()}, {"runs", channel.unset.empty()}});
    }
}

std::string as_json(const LoadedConfig& loaded, ExitCode exit, const Asked& asked) {
    Json json{{"tool", asked.tool},
              {"version", k_version},
              {"host", safe(asked.host)},
              {"time", format_utc(asked.time)},
              {"exit_code", static_cast<int>(exit)}};
    if (exit != ExitCode::ok) {
        json["reason"] = safe(reason_of(loaded).in(loaded.config.lang));
    }
    json["file"] = or_null(loaded.file);
    json["problems"] = problems_of(loaded, Problem::Severity::error);
    json["warnings"] = problems_of(loaded, Problem::Severity::warning);
    add_what_runs(json, loaded.ok() ? loaded.config : Config{});
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

// ── Nagios ──

// A wrong configuration is a WARNING: the site is not asked here, and a run goes on with the last good one
// (CONTRACT 5 and 8); one that is not ours to read is UNKNOWN. process_exit() says so for every tool.
std::string as_nagios(const LoadedConfig& loaded, ExitCode exit) {
    const std::string_view level = exit == ExitCode::ok       ? "OK"
                                   : exit == ExitCode::rights ? "UNKNOWN"
                                                              : "WARNING";
    const Text words = exit != ExitCode::ok
                           ? reason_of(loaded)
                           : join("; ", {headline(loaded.config, count_warnings(loaded.problems), Strict::no),
                                         number_of_checks(loaded.config)});
    return fmt::format("LECTIO {} - {}\n", level, nagios_words(words.in(loaded.config.lang)));
}

} // namespace

ConfigVerdict check_config_text(const LoadedConfig& loaded, Strict strict) {
    ConfigVerdict verdict;
    verdict.text = problem_lines(loaded).in(loaded.config.lang);
    verdict.good = is_good(loaded, strict);
    if (loaded.ok()) {
        verdict.text += redact(Summary(loaded.config, count_warnings(loaded.problems), strict).text());
    }
    return verdict;
}

int check_config(const LoadedConfig& loaded, const CommonOptions& options, const Asked& asked) {
    const Strict strict = options.strict ? Strict::yes : Strict::no;
    const ExitCode exit = exit_of(loaded, strict);
    if (is_unread(loaded)) {
        complain(fmt::format("{}: {}\n", asked.tool, redact(unread_words(loaded).in(loaded.config.lang))));
    }
    const std::string text = options.format == Format::json     ? as_json(loaded, exit, asked)
                             : options.format == Format::nagios ? as_nagios(loaded, exit)
                                                                : check_config_text(loaded, strict).text;
    return print_or_say_why(asked.tool, loaded.config.lang, options.format, text,
                            process_exit(exit, Status::ok, options.format));
}

} // namespace lectio

#include "session.h"

#include "alerts/channels.h"
#include "cli/check_config.h"
#include "cli/exit_code.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "command.h"
#include "platform/clock.h"
#include "platform/environment.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/users.h"
#include "report/log.h"
#include "report/report.h"
#include "util/text.h"
#include "version.h"
#include "words/error_words.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

constexpr std::string_view k_tool = "lectio-notify";
constexpr mode_t k_logs_mode = 0750; // as the pipeline makes it

constexpr Phrase k_unreadable{"{} may not be read", "нет прав на чтение {}"};

template<class T>
std::optional<std::string> denied(const Result<T>& attempt, Lang lang) {
    const bool is_denied = !attempt && attempt.error().kind == ErrorKind::permission;
    return is_denied ? std::optional(error_words(attempt.error().message).in(lang)) : std::nullopt;
}

} // namespace

std::optional<int> Session::open() {
    ConfigRequest request;
    request.file = m_options.config;
    request.environment = environment_variable;
    request.kinds = known_kinds();
    const bool check = m_options.check_config;
    m_loaded = load_config(m_world, request, check ? LastGood::never : LastGood::fall_back);
    if (check) {
        return check_config(m_loaded, m_options, {std::string(k_tool), host(), now()});
    }
    const bool nothing = m_loaded.use == LoadedConfig::Use::nothing;
    if (nothing && m_loaded.needs_rights) {
        return needs_rights(problem_words());
    }
    if (nothing) {
        return leave(ExitCode::configuration, problem_words());
    }
    if (!m_loaded.ok()) {
        complain(problem_lines(m_loaded).in(config().lang));
    }
    m_delivery = std::make_unique<Delivery>(m_world, delivery_settings(config()), make_channels(config()));
    return std::nullopt;
}

std::string Session::problem_words() const {
    const Text lines = problem_lines(m_loaded);
    return std::string(trim(lines.in(config().lang)));
}

// sudo says who was root before.
Desk Session::desk() {
    const Result<User> us = find_user(effective_user());
    const std::optional<std::string> before = environment_variable("SUDO_USER");
    const std::string by = before ? *before : us ? us->name : std::to_string(effective_user());
    return {m_world, config(), clean_line(by), m_options.dry_run ? Effect::none : Effect::real};
}

std::string Session::host() const {
    return config().host.empty() ? m_world.host.hostname() : config().host;
}

WallTime Session::now() const {
    return m_world.clock.now().wall;
}

SteadyTime Session::deadline(Duration budget) const {
    return m_world.clock.steady() + budget;
}

// ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

std::optional<std::string> Session::denied_to_us() {
    const std::optional<std::string> secrets = denied_secrets();
    return secrets ? secrets : denied(m_world.files.list(config().paths.state / "outbox"), config().lang);
}

std::optional<std::string> Session::denied_secrets() {
    const bool any_unset = std::any_of(config().channels.begin(), config().channels.end(),
                                       [](const ChannelSettings& each) { return !each.unset.empty(); });
    return any_unset && m_loaded.needs_rights
               ? std::optional(say(k_unreadable, config().paths.env_file.string()).in(config().lang))
               : std::nullopt;
}

std::optional<Text> Session::unreadable_outbox() {
    for (const Path& folder : {config().paths.state, config().paths.state / "outbox"}) {
        const Result<std::vector<std::string>> names = m_world.files.list(folder);
        if (!names && m_world.files.info(folder)) {
            return error_words(names.error().message);
        }
    }
    return std::nullopt;
}

int Session::needs_rights(const std::string& what) {
    return leave(ExitCode::rights, say(k_needs_rights, trim(what)).in(config().lang));
}

// Nothing could be done: why on standard error, and with --format json one object on standard output
// (CONTRACT 23).
int Session::leave(ExitCode exit, const std::string& reason) {
    const auto status = static_cast<int>(exit);
    complain(fmt::format("{}: {}\n", k_tool, trim(clean(reason))));
    if (m_options.format != Format::json) {
        return status;
    }
    return print_or_say_why(k_tool, config().lang, m_options.format,
                            render_json_reason(std::string(k_tool), host(), now(), status, reason), status);
}

// ── saying ──────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::log(const DeliveryReport& report) {
    const LogFormat format =
        config().log.format == LogSettings::Format::json ? LogFormat::json : LogFormat::text;
    Log log(m_world.files, config().paths.logs / "alerts.log", std::string(k_tool), format, LogLevel::info,
            config().timezone);
    for (const AlertLine& line : report.log) {
        log.add_alert(line.time, line.level, line.text);
    }
    Result<void> written = m_world.files.make_folders(config().paths.logs, k_logs_mode);
    if (written) {
        written = log.flush();
    }
    if (!written) {
        say_aside(error_words(written.error().message));
    }
}

int Session::say_answer(const Answer& answer) {
    const std::string& words = answer.words.in(config().lang);
    switch (answer.kind) {
    case Answer::Kind::wrong:
        return leave(ExitCode::usage, words);
    case Answer::Kind::denied:
        return needs_rights(words);
    case Answer::Kind::failed:
        return say_outcome(answer.words, k_bad, nlohmann::json::object());
    case Answer::Kind::done:
        break;
    }
    if (!m_options.dry_run) {
        DeliveryReport report;
        report.log.push_back({now(), "info", clean_line(words)});
        log(report);
    }
    return say_outcome(answer.words, k_good, nlohmann::json::object());
}

void Session::say_aside(const Text& words) const {
    complain(fmt::format("{}: {}\n", k_tool, clean(words.in(config().lang))));
}

int Session::say_outcome(const Text& words, int status, const nlohmann::json& fields) {
    const std::string& text = words.in(config().lang);
    if (m_options.format != Format::json) {
        const bool silent = status == 0 && m_options.verbosity == Verbosity::quiet;
        return silent ? status
                      : print_or_say_why(k_tool, config().lang, m_options.format, clean(text) + "\n", status);
    }
    nlohmann::json json{{"tool", k_tool},      {"version", k_version},
                        {"host", host()},      {"time", format_utc(now())},
                        {"exit_code", status}, {"message", text}};
    json.update(fields);
    return print_or_say_why(k_tool, config().lang, m_options.format,
                            json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                            status);
}

int Session::say_outcome(const Text& words, int status, const DeliveryReport& report) {
    const nlohmann::json alerts{{"queued", report.queued},
                                {"sent", report.sent},
                                {"waiting", m_delivery->count_waiting()},
                                {"rejected", report.rejected}};
    return say_outcome(words, status, nlohmann::json{{"alerts", alerts}});
}

} // namespace lectio::notify

#include "cli/tool_session.h"

#include "cli/check_config.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "platform/environment.h"
#include "platform/host.h"
#include "platform/users.h"
#include "report/report.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"
#include "words/error_words.h"

#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr std::size_t k_longest_person = 40;
constexpr mode_t k_logs_mode = 0750; // as the pipeline makes it

Text trimmed(const Text& lines) {
    return {std::string(trim(lines.en)), std::string(trim(lines.ru))};
}

} // namespace

std::optional<int> ToolSession::load(LastGood last_good, const std::function<bool(const Config&)>& refuses) {
    ConfigRequest request;
    request.file = m_common.config;
    request.environment = environment_variable;
    request.kinds = known_kinds();
    m_loaded = load_config(m_world, request, m_common.check_config ? LastGood::never : last_good);
    if (m_common.check_config) {
        CommonOptions options = m_common;
        options.strict = options.strict || (refuses && m_loaded.ok() && refuses(config()));
        return check_config(m_loaded, options, {m_tool, host(), now()});
    }
    if (m_loaded.ok()) {
        return std::nullopt;
    }
    const Text problems = trimmed(problem_lines(m_loaded));
    if (m_loaded.use != LoadedConfig::Use::nothing && last_good == LastGood::fall_back) {
        complain(problems.in(lang()) + "\n");
        return std::nullopt;
    }
    return m_loaded.needs_rights ? needs_rights(problems) : leave(ExitCode::configuration, problems);
}

std::string ToolSession::host() const {
    return config().host.empty() ? m_world.host.hostname() : config().host;
}

std::string ToolSession::person() const {
    const Result<User> us = find_user(effective_user());
    const std::optional<std::string> before = environment_variable("SUDO_USER");
    const std::string name = before ? *before : us ? us->name : std::to_string(effective_user());
    return shorten(clean_line(name), k_longest_person);
}

Log ToolSession::open_log(const std::string& name) {
    const bool json = config().log.format == LogSettings::Format::json;
    return {m_world.files,  config().paths.logs / name, m_tool, json ? LogFormat::json : LogFormat::text,
            LogLevel::info, config().timezone};
}

Result<void> ToolSession::write(Log& log) {
    LECTIO_TRY(m_world.files.make_folders(config().paths.logs, k_logs_mode));
    return log.flush();
}

int ToolSession::leave(ExitCode exit, const Text& reason, const Text& hint) {
    const auto status = static_cast<int>(exit);
    const std::string words(trim(clean(redact(reason.in(lang())))));
    complain(fmt::format("{}: {}\n{}", m_tool, words,
                         hint.empty() ? "" : fmt::format("  → {}\n", clean(redact(hint.in(lang()))))));
    if (m_common.format != Format::json) {
        return status;
    }
    return print_or_say_why(m_tool, lang(), m_common.format,
                            render_json_reason(m_tool, host(), now(), status, words), status);
}

int ToolSession::leave(const Error& error) {
    const Text words = error_words(error.message);
    const bool denied = error.kind == ErrorKind::permission && effective_user() != 0;
    return denied ? needs_rights(words) : leave(exit_code(error), words);
}

int ToolSession::needs_rights(const Text& what) {
    return leave(ExitCode::rights, say(k_needs_rights, trimmed(what)));
}

int ToolSession::say_outcome(const Text& words, int status, const nlohmann::json& fields) {
    const std::string text = redact(words.in(lang()));
    if (m_common.format != Format::json) {
        const bool silent = status == 0 && m_common.verbosity == Verbosity::quiet;
        return silent ? status
                      : print_or_say_why(m_tool, lang(), m_common.format, clean(text) + "\n", status);
    }
    nlohmann::json json{{"tool", m_tool},      {"version", k_version},
                        {"host", host()},      {"time", format_utc(now())},
                        {"exit_code", status}, {"message", text}};
    json.update(fields);
    return print_or_say_why(m_tool, lang(), m_common.format,
                            json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                            status);
}

void ToolSession::say_aside(const Text& words) const {
    complain(fmt::format("{}: {}\n", m_tool, clean(redact(words.in(lang())))));
}

} // namespace lectio

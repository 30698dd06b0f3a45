#include "session.h"

#include "cli/check_config.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "platform/environment.h"
#include "platform/host.h"
#include "report/report.h"
#include "util/text.h"
#include "version.h"
#include "words/error_words.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::deploy {
namespace {

constexpr std::string_view k_tool = "lectio-deploy";

constexpr Phrase k_no_frontend{
    "the configuration has no [deploy.frontend]: nobody says what is to be released where",
    "в настройках нет [deploy.frontend]: не сказано, что и куда выкладывать"};
constexpr Phrase k_no_frontend_hint{"write there: path = \"/var/www/SITE/build\"",
                                    "напишите там: path = \"/var/www/SITE/build\""};

} // namespace

std::optional<int> Session::open() {
    ConfigRequest request;
    request.file = m_options.common.config;
    request.environment = environment_variable;
    request.kinds = known_kinds();
    m_loaded = load_config(m_world, request, LastGood::never);
    if (m_options.common.check_config) {
        return check_config(m_loaded, m_options.common, {std::string(k_tool), host(), now()});
    }
    if (!m_loaded.ok()) {
        return leave(m_loaded.needs_rights ? ExitCode::rights : ExitCode::configuration,
                     problem_lines(m_loaded));
    }
    if (!config().deploy.frontend) {
        return leave(ExitCode::configuration, say(k_no_frontend), say(k_no_frontend_hint));
    }
    return std::nullopt;
}

release::Places Session::places() const {
    return {frontend().path, releases_folder(config().deploy, frontend()), config().paths.state / "deploy"};
}

std::string Session::host() const {
    return config().host.empty() ? m_world.host.hostname() : config().host;
}

// sudo says who was root before.
std::string Session::person() const {
    const Result<User> us = find_user(effective_user());
    const std::optional<std::string> before = environment_variable("SUDO_USER");
    return shorten(clean_line(before ? *before : us ? us->name : std::to_string(effective_user())), 40);
}

int Session::leave(ExitCode exit, const Text& reason, const Text& hint) {
    const auto status = static_cast<int>(exit);
    const std::string words(trim(clean(reason.in(lang()))));
    complain(fmt::format("{}: {}\n{}", k_tool, words,
                         hint.empty() ? "" : fmt::format("  → {}\n", clean(hint.in(lang())))));
    if (m_options.common.format != Format::json) {
        return status;
    }
    return print_or_say_why(k_tool, lang(), m_options.common.format,
                            render_json_reason(std::string(k_tool), host(), now(), status, words), status);
}

int Session::leave(const Error& error) {
    const Text words = error_words(error.message);
    const bool denied = error.kind == ErrorKind::permission && effective_user() != 0;
    return denied ? leave(ExitCode::rights, say(k_needs_rights, words)) : leave(exit_code(error), words);
}

int Session::say_outcome(const Text& words, int status, const nlohmann::json& fields) {
    const CommonOptions& options = m_options.common;
    if (options.format != Format::json) {
        const bool silent = status == 0 && options.verbosity == Verbosity::quiet;
        return silent
                   ? status
                   : print_or_say_why(k_tool, lang(), options.format, clean(words.in(lang())) + "\n", status);
    }
    nlohmann::json json{{"tool", k_tool},      {"version", k_version},
                        {"host", host()},      {"time", format_utc(now())},
                        {"exit_code", status}, {"message", words.in(lang())}};
    json.update(fields);
    return print_or_say_why(k_tool, lang(), options.format,
                            json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                            status);
}

void Session::say_aside(const Text& words) const {
    if (m_options.common.verbosity != Verbosity::quiet) {
        complain(clean(words.in(lang())) + "\n");
    }
}

} // namespace lectio::deploy

#include "session.h"

#include "alerts/channels.h"
#include "command.h"
#include "platform/files.h"
#include "report/log.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

constexpr std::string_view k_tool = "lectio-notify";
constexpr mode_t k_logs_mode = 0750; // as the pipeline makes it

constexpr Phrase k_unreadable{"{} may not be read", "нет прав на чтение {}"};

template<class T>
std::optional<Text> denied(const Result<T>& attempt) {
    const bool is_denied = !attempt && attempt.error().kind == ErrorKind::permission;
    return is_denied ? std::optional(error_words(attempt.error().message)) : std::nullopt;
}

} // namespace

std::optional<int> Session::open() {
    const std::optional<int> left = load(LastGood::fall_back);
    if (!left) {
        m_delivery =
            std::make_unique<Delivery>(world(), delivery_settings(config()), make_channels(config()));
    }
    return left;
}

Desk Session::desk() {
    return {world(), config(), person(), common().dry_run ? Effect::none : Effect::real};
}

// ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────

std::optional<Text> Session::denied_to_us() {
    const std::optional<Text> secrets = denied_secrets();
    return secrets ? secrets : denied(world().files.list(config().paths.state / "outbox"));
}

std::optional<Text> Session::denied_secrets() {
    const bool any_unset = std::any_of(config().channels.begin(), config().channels.end(),
                                       [](const ChannelSettings& each) { return !each.unset.empty(); });
    return any_unset && loaded().needs_rights
               ? std::optional(say(k_unreadable, config().paths.env_file.string()))
               : std::nullopt;
}

std::optional<Text> Session::unreadable_outbox() {
    for (const Path& folder : {config().paths.state, config().paths.state / "outbox"}) {
        const Result<std::vector<std::string>> names = world().files.list(folder);
        if (!names && world().files.info(folder)) {
            return error_words(names.error().message);
        }
    }
    return std::nullopt;
}

// ── saying ──────────────────────────────────────────────────────────────────────────────────────────────────────

void Session::log(const DeliveryReport& report) {
    Log log = open_log("alerts.log");
    for (const AlertLine& line : report.log) {
        log.add_alert(line.time, line.level, line.text);
    }
    const Result<void> written = write(log);
    if (!written) {
        say_aside(error_words(written.error().message));
    }
}

int Session::say_answer(const Answer& answer) {
    switch (answer.kind) {
    case Answer::Kind::wrong:
        return leave(ExitCode::usage, answer.words);
    case Answer::Kind::denied:
        return needs_rights(answer.words);
    case Answer::Kind::failed:
        return say_outcome(answer.words, k_bad, nlohmann::json::object());
    case Answer::Kind::done:
        break;
    }
    if (!common().dry_run) {
        DeliveryReport report;
        report.log.push_back({now(), "info", clean_line(answer.words.in(lang()))});
        log(report);
    }
    return say_outcome(answer.words, k_good, nlohmann::json::object());
}

int Session::say_outcome(const Text& words, int status, const DeliveryReport& report) {
    const nlohmann::json alerts{{"queued", report.queued},
                                {"sent", report.sent},
                                {"waiting", m_delivery->count_waiting()},
                                {"rejected", report.rejected}};
    return say_outcome(words, status, nlohmann::json{{"alerts", alerts}});
}

} // namespace lectio::notify

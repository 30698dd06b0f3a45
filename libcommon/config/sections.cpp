#include "config/sections.h"

#include "config/complaints.h"
#include "util/text.h"

#include <algorithm>
#include <array>

namespace lectio {
namespace {

using namespace std::chrono_literals;
template<class T>
using Named = std::map<std::string, T>;
constexpr auto k_number = Amount::Unit::number;
constexpr auto k_bytes = Amount::Unit::bytes;
constexpr auto k_percent = Amount::Unit::percent;
constexpr auto k_time = Amount::Unit::milliseconds;

constexpr Phrase k_no_clock{"expected a time of day like \"09:00\", or \"\" for none",
                            "ожидается время суток вроде \"09:00\" или \"\", если не нужно"};
constexpr Phrase k_no_quiet{"expected times of day like \"23:00-08:00\", or \"\" for none",
                            "ожидаются часы вроде \"23:00-08:00\" или \"\", если не нужно"};
constexpr Phrase k_no_proxy{"expected a proxy: socks5h://host:port or http://host:port",
                            "ожидается прокси: socks5h://хост:порт или http://хост:порт"};
constexpr Phrase k_no_chat{"expected a number or @name", "ожидается число или @имя"};
constexpr Phrase k_no_label{
    "expected the name of a label: letters, digits and _, not beginning with a digit or __",
    "ожидается имя метки: латинские буквы, цифры и _, в начале не цифра и не __"};
constexpr Phrase k_password_in_the_clear{
    "starttls: the password would cross the network readable by others; take smtps:// or \"required\"",
    "starttls: пароль прошёл бы по сети открытым текстом; возьмите smtps:// или \"required\""};
constexpr Phrase k_no_zone{"expected a time zone like \"Europe/Moscow\"",
                           "ожидается часовой пояс вроде \"Europe/Moscow\""};
constexpr Phrase k_no_check_pattern{
    "expected tool/check, like \"health/disk\" or \"deepcheck/*\"",
    "ожидается инструмент/проверка вроде \"health/disk\" или \"deepcheck/*\""};
constexpr Phrase k_no_token{"a bot's token is digits, a colon and letters",
                            "токен бота — это цифры, двоеточие и буквы"};
constexpr Phrase k_no_page{
    "expected the name of a page, like \"/var/www/status/index.html\": it is replaced",
    "ожидается имя страницы вроде \"/var/www/status/index.html\": файл заменяется целиком"};
constexpr Phrase k_no_page_mode{
    "expected a mode that lets its owner read and write and nobody else write, like \"640\"",
    "ожидаются права, при которых владелец читает и пишет, а остальные не пишут, вроде \"640\""};

bool is_clock(std::string_view text) {
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    return text.size() == 5 && text[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4) &&
           text.substr(0, 2) <= "23" && text.substr(3) <= "59";
}

std::optional<Text> clock_complaint(const std::string& text) {
    if (text.empty() || is_clock(text)) {
        return std::nullopt;
    }
    return say(k_no_clock);
}

std::optional<Text> quiet_complaint(const std::string& text) {
    if (text.empty() || (text.size() == 11 && text[5] == '-' && is_clock(text.substr(0, 5)) &&
                         is_clock(text.substr(6)) && text.substr(0, 5) != text.substr(6))) {
        return std::nullopt;
    }
    return say(k_no_quiet);
}

std::optional<Text> proxy_complaint(const std::string& text) {
    constexpr std::array<std::string_view, 6> k_schemes{"http://",    "https://",  "socks4://",
                                                        "socks4a://", "socks5://", "socks5h://"};
    const bool known = std::any_of(k_schemes.begin(), k_schemes.end(), [&](std::string_view scheme) {
        return text.starts_with(scheme) && text.size() > scheme.size();
    });
    if (text.empty() || known) {
        return std::nullopt;
    }
    return say(k_no_proxy);
}

// https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
std::optional<Text> label_complaint(const std::string& name) {
    constexpr std::string_view k_known = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const bool good = !name.empty() && (name[0] < '0' || name[0] > '9') && !name.starts_with("__") &&
                      name.find_first_not_of(k_known) == name.npos;
    return good ? std::nullopt : std::optional(say(k_no_label));
}

bool is_this_host(std::string_view url) {
    const std::string_view host = url.substr(url.find("//") + 2);
    constexpr std::array<std::string_view, 3> k_own{"localhost", "127.", "[::1]"};
    return std::any_of(k_own.begin(), k_own.end(),
                       [&](std::string_view own) { return host.starts_with(own); });
}

// Who listens on the way must not read the password.
std::vector<Complaint> email_complaints(const EmailChannel& email) {
    const bool in_the_clear =
        email.starttls == EmailChannel::StartTls::none && email.url.starts_with("smtp://");
    if (in_the_clear && !email.password.empty() && !is_this_host(email.url)) {
        return {{"starttls", say(k_password_in_the_clear)}};
    }
    return {};
}

std::optional<Text> chat_complaint(const IdText& chat) {
    const std::string_view text = chat.text;
    const std::size_t digits = text.starts_with('-') ? 1 : 0;
    const bool number = text.size() > digits && text.find_first_not_of("0123456789", digits) == text.npos;
    if (text.empty() || number || (text.starts_with('@') && text.size() > 1)) {
        return std::nullopt;
    }
    return say(k_no_chat);
}

std::optional<Text> zone_complaint(const std::string& text) {
    const bool odd = text.starts_with('/') || text.find("..") != std::string::npos ||
                     text.find_first_of(" \t:") != std::string::npos;
    return odd ? std::optional(say(k_no_zone)) : std::nullopt;
}

std::optional<Text> check_pattern_complaint(const std::string& text) {
    if (text.find('/') == std::string::npos || text.find(' ') != std::string::npos) {
        return say(k_no_check_pattern);
    }
    return std::nullopt;
}

const Schema<LimitSettings>& limits_schema() {
    static const Schema<LimitSettings> schema{
        optional("attempts", &LimitSettings::attempts,
                 "recoveries in a row that did not help; then a person is called")
            .between(1, 100),
        optional("cooldown", &LimitSettings::cooldown, "then one try each cooldown, doubling up to 1h")
            .between(10s, 24h),
        optional("waits", &LimitSettings::waits, "before the second, third, fourth … attempt")
            .between(0s, 24h)
            .not_empty(),
        optional("per_hour", &LimitSettings::per_hour,
                 "disruptive actions (restart, reload, start …), over all checks; 0: none at all")
            .between(0, 60),
    };
    return schema;
}

// ── channels ───────────────────────────────────────────────────────────────────────────────────────────────

const Schema<TelegramChannel>& telegram_schema() {
    static const Schema<TelegramChannel> schema{
        required("token", &TelegramChannel::token, "of the bot"),
        required("chat", &TelegramChannel::chat, "id of the chat, or @name of a channel")
            .check(chat_complaint),
        optional("thread", &TelegramChannel::thread, "topic of a forum group").between(1, 2147483647),
        optional("api", &TelegramChannel::api, "of a Bot API server").check(web_url_complaint),
        optional("proxy", &TelegramChannel::proxy, "socks5h://host:port").check(proxy_complaint),
        optional("operators", &TelegramChannel::operators, "user ids whose /mute /ack /status … are obeyed"),
    };
    return schema;
}

const Schema<EmailChannel>& email_schema() {
    static const Schema<EmailChannel> schema =
        Schema<EmailChannel>{
            required("url", &EmailChannel::url, "smtps://host:465 or smtp://host:587")
                .check(mail_url_complaint),
            optional("user", &EmailChannel::user, "who logs in; empty: nobody does"),
            optional("password", &EmailChannel::password, "to log in"),
            required("from", &EmailChannel::from, "sender").check(mail_address_complaint),
            required("to", &EmailChannel::to, "receivers").check(mail_address_complaint),
            optional("ca", &EmailChannel::ca, "certificates to trust; empty: the system's"),
            optional("starttls", &EmailChannel::starttls,
                     "of smtp://: without it nothing is sent, or it is never asked for")
                .one_of(
                    {{"required", EmailChannel::StartTls::required}, {"none", EmailChannel::StartTls::none}}),
        }
            .verify(email_complaints);
    return schema;
}

const Schema<WebhookChannel>& webhook_schema() {
    static const Schema<WebhookChannel> schema{
        required("url", &WebhookChannel::url, "where to").check(secretly<web_url_complaint>),
        optional("secret", &WebhookChannel::secret, "signs the body: X-Lectio-Signature"),
        optional("headers", &WebhookChannel::headers, "sent along")
            .check(header_value_complaint)
            .check_keys(header_name_complaint),
        optional("timeout", &WebhookChannel::timeout, "of a request").between(10ms, 1h),
    };
    return schema;
}

const Schema<AlertmanagerChannel>& alertmanager_schema() {
    static const Schema<AlertmanagerChannel> schema{
        required("url", &AlertmanagerChannel::url, "of Alertmanager").check(web_url_complaint),
        optional("labels", &AlertmanagerChannel::labels, "added to each alert").check_keys(label_complaint),
        optional("timeout", &AlertmanagerChannel::timeout, "of a request").between(10ms, 1h),
    };
    return schema;
}

const Schema<CommandChannel>& command_channel_schema() {
    static const Schema<CommandChannel> schema{
        required("command", &CommandChannel::command, "gets the message on standard input"),
        optional("timeout", &CommandChannel::timeout, "killed after this long").between(10ms, 1h),
    };
    return schema;
}

const Schema<Escalation>& escalate_schema() {
    static const Schema<Escalation> schema{
        required("after", &Escalation::after, "still open and not acknowledged"),
        required("to", &Escalation::to, "channels"),
    };
    return schema;
}

const Schema<OutboxSettings>& outbox_schema() {
    static const Schema<OutboxSettings> schema{
        optional("messages", &OutboxSettings::messages, "kept for each channel").between(10, 1000000),
        optional("size", &OutboxSettings::size, "kept for each channel").between(100_kB, 10_GB),
    };
    return schema;
}

} // namespace

std::optional<Text> token_complaint(const std::string& text) {
    constexpr std::string_view k_digits = "0123456789";
    constexpr std::string_view k_rest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const std::size_t colon = text.find_first_not_of(k_digits);
    const bool shaped = colon != 0 && colon != text.npos && text[colon] == ':' && colon + 1 < text.size() &&
                        text.find_first_not_of(k_rest, colon + 1) == text.npos;
    return shaped || text.empty() ? std::nullopt : std::optional(say(k_no_token));
}

// ── now ────────────────────────────────────────────────────────────────────────────────────────────────────

const Schema<TopLevel>& top_schema() {
    static const Schema<TopLevel> schema{
        optional("lang", &TopLevel::lang, "language of alerts and explanations")
            .one_of({{"ru", Lang::ru}, {"en", Lang::en}}),
        optional("timezone", &TopLevel::timezone, "like \"Europe/Moscow\"; empty: the host's")
            .check(zone_complaint),
        optional("host", &TopLevel::host, "name in alerts; empty: the hostname"),
    };
    return schema;
}

// What stands there is replaced: a slip of the hand must not cost a file of something else.
std::optional<Text> page_complaint(const std::filesystem::path& path) {
    const bool is_page = path.empty() || path.extension() == ".html" || path.extension() == ".htm";
    return is_page ? std::nullopt : std::optional(say(k_no_page));
}

std::optional<Text> page_mode_complaint(const FileMode& mode) {
    const bool is_fine = (mode.bits & ~mode_t{0644}) == 0 && (mode.bits & 0600) == 0600;
    return is_fine ? std::nullopt : std::optional(say(k_no_page_mode));
}

const Schema<Paths>& paths_schema() {
    static const Schema<Paths> schema{
        optional("env_file", &Paths::env_file, "secrets, as shell assignments"),
        optional("state", &Paths::state, "survives a reboot"),
        optional("run", &Paths::run, "markers: deploy_in_progress, mute_until, maintenance_mode"),
        optional("logs", &Paths::logs, "health.log alerts.log …"),
        optional("metrics", &Paths::metrics,
                 "written after each run for Prometheus, a file for each tool; empty: never"),
    };
    return schema;
}

const Schema<LogSettings>& log_schema() {
    using Format = LogSettings::Format;
    using Level = LogSettings::Level;
    static const Schema<LogSettings> schema{
        optional("format", &LogSettings::format, "lines for people, or one object a line")
            .one_of({{"text", Format::text}, {"json", Format::json}}),
        optional("level", &LogSettings::level, "this and worse are logged")
            .one_of({{"debug", Level::debug},
                     {"info", Level::info},
                     {"warn", Level::warn},
                     {"error", Level::error}}),
    };
    return schema;
}

const Schema<CheckCommon>& check_common_schema() {
    static const Schema<CheckCommon> schema{
        optional("severity", &CheckCommon::severity, "the worst a failure of it can be")
            .one_of(
                {{"critical", Severity::critical}, {"warning", Severity::warning}, {"info", Severity::info}}),
        optional("confirm", &CheckCommon::confirm, "failures in a row before an incident opens")
            .between(1, 60),
        optional("recover_confirm", &CheckCommon::recover_confirm, "good runs before it is resolved")
            .between(1, 60),
        optional("window", &CheckCommon::window, "\"3 of 5\": opens on that many of the last; \"\": off"),
        optional("flap", &CheckCommon::flap, "changes among the last runs that make it flapping; \"\": off"),
        optional("recheck", &CheckCommon::recheck, "asked again within the run before it counts; 0s: off")
            .between(0s, 30s),
        optional("clear", &CheckCommon::clear, "values at which a threshold is clear again").or_empty(),
        optional("every", &CheckCommon::every, "not in every run; \"\": in every")
            .between(0s, 31 * 24h)
            .or_empty(),
        optional("enabled", &CheckCommon::enabled, "false: not run"),
        optional("needs", &CheckCommon::needs, "checks whose failure makes this one's a symptom"),
        optional("note", &CheckCommon::note, "a runbook line, shown with the alert"),
    };
    return schema;
}

const Schema<HealthSettings>& health_schema() {
    static const Schema<HealthSettings> schema{
        // Half of it and at least its last 10 s are for healing and telling: less leaves no time to look.
        optional("deadline", &HealthSettings::deadline, "of the whole run, recovery included")
            .between(20s, 1h),
        optional("boot_grace", &HealthSettings::boot_grace,
                 "uptime below this: shown, nothing told or healed")
            .between(0s, 1h),
        optional("limits", &HealthSettings::limits, limits_schema(), "when the healer gives up"),
    };
    return schema;
}

const Schema<DeepcheckSettings>& deepcheck_schema() {
    static const Schema<AuditSettings> audit{
        optional("profile", &AuditSettings::profile,
                 "whose checks of hardening an audit takes, beside those here")
            .one_of({"lectio", "cube-demper", "horoscopus"}),
    };
    static const Schema<DeepcheckSettings> schema{
        // Half of it and at least its last 10 s are for telling.
        optional("deadline", &DeepcheckSettings::deadline, "of the whole run").between(20s, 1h),
        optional("audit", &DeepcheckSettings::audit, audit, "lectio-deepcheck audit"),
    };
    return schema;
}

const Schema<RungSettings>& rung_common_schema() {
    static const Schema<RungSettings> schema{
        required("name", &RungSettings::name, "shown in messages and the log").check(name_complaint),
        required("when", &RungSettings::when, "checks whose failure, as a root cause, triggers it"),
        optional("settle", &RungSettings::settle, "wait at most this long for the checks to pass")
            .between(0s, 5min),
    };
    return schema;
}

const Schema<AlertSettings>& alerts_schema() {
    static const Schema<AlertSettings> schema{
        optional(
            "remind", &AlertSettings::remind,
            "an open critical incident is repeated this often, then 2, 4 … times this, up to 24h; 0s: never")
            .between(0s, 7 * 24h),
        optional("per_hour", &AlertSettings::per_hour,
                 "messages; what is not critical and new waits for room among them; 0: no limit")
            .between(0, 10000),
        optional("digest", &AlertSettings::digest, "time of a daily summary; \"\": none")
            .check(clock_complaint),
        optional("quiet", &AlertSettings::quiet, "what is not critical waits until its end; \"\": none")
            .check(quiet_complaint),
        optional("deploy_grace", &AlertSettings::deploy_grace,
                 "a deploy marker older than this no longer silences, and is itself an alert")
            .between(1s, 30min),
        optional("key_window", &AlertSettings::key_window,
                 "texts sent with one key are told once in this time")
            .between(0s, 7 * 24h),
        optional("merge_after", &AlertSettings::merge_after,
                 "what waits longer is put together into one message")
            .between(0s, 24h),
        optional("failover", &AlertSettings::failover,
                 "other channels take the critical ones of a channel that fails for longer; 0s: never")
            .between(0s, 24h),
        optional("outbox", &AlertSettings::outbox, outbox_schema(), "messages that wait"),
    };
    return schema;
}

const Schema<HistorySettings>& history_schema() {
    static const Schema<HistorySettings> schema{
        optional("keep", &HistorySettings::keep, "how long, the oldest go first").between(1h, 3650 * 24h),
        optional("size", &HistorySettings::size, "of history.sqlite with its log, at most")
            .between(4_MB, 100_GB),
    };
    return schema;
}

const Schema<Route>& route_schema() {
    static const Schema<Route> schema{
        optional("severity", &Route::severity, "empty: every")
            .one_of(
                {{"critical", Severity::critical}, {"warning", Severity::warning}, {"info", Severity::info}}),
        optional("tool", &Route::tool, "empty: every")
            .one_of({"health", "smoke", "deepcheck", "heartbeat", "deploy", "backup", "cleanup", "notify"}),
        optional("check", &Route::check, "tool/check, * allowed; empty: every")
            .check(check_pattern_complaint),
        required("to", &Route::to, "channels"),
        optional("escalate", &Route::escalate, escalate_schema(), "whom to tell when nobody acknowledges"),
    };
    return schema;
}

std::span<const Alternative> channel_types() {
    static const auto types = std::to_array<Alternative>({
        {TelegramChannel::k_type, "a Telegram bot", &telegram_schema()},
        {EmailChannel::k_type, "SMTP", &email_schema()},
        {WebhookChannel::k_type, "POST of a JSON object", &webhook_schema()},
        {AlertmanagerChannel::k_type, "Alertmanager, API v2", &alertmanager_schema()},
        {CommandChannel::k_type, "a program of your own", &command_channel_schema()},
    });
    return types;
}

ChannelSettings::Own default_channel(std::string_view type) {
    const std::array<ChannelSettings::Own, 5> all{TelegramChannel{}, EmailChannel{}, WebhookChannel{},
                                                  AlertmanagerChannel{}, CommandChannel{}};
    const auto found = std::find_if(all.begin(), all.end(), [&](const ChannelSettings::Own& own) {
        return std::visit([&](const auto& settings) { return settings.k_type == type; }, own);
    });
    return found == all.end() ? all.front() : *found;
}

std::span<const Alternative> backup_types() {
    static const auto types = std::to_array<Alternative>({
        {"exec", "a program of your own", &exec_source_schema()},
        {"files", "files and folders, by GNU tar", &files_source_schema()},
        {"postgres", "PostgreSQL, while it is in use, by pg_dump", &postgres_source_schema()},
        {"redis", "Redis, while it is in use", &redis_source_schema()},
        {"sqlite", "SQLite, while it is in use", &sqlite_source_schema()},
    });
    return types;
}

const Schema<StatusSettings>& status_schema() {
    static const Schema<StatusSettings> schema{
        optional("html", &StatusSettings::html,
                 "one page of how things stand, replaced after runs; its folder must be there; empty: never")
            .check(page_complaint),
        optional("days", &StatusSettings::days, "of availability on it").between(1, 3650),
        optional("mode", &StatusSettings::mode, "of the file").check(page_mode_complaint),
    };
    return schema;
}

} // namespace lectio

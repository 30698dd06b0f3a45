// Config: the whole configuration, typed and validated, as the tools use it.
//
// Parsed once, passed const. What a later issue brings is checked and documented by the same key table, but
// has no member here yet. load.h finds, reads and remembers configurations; this is only their shape.
#pragma once

#include "config/backup.h"
#include "config/cleanup.h"
#include "config/deploy.h"
#include "config/heartbeat.h"
#include "config/node.h"
#include "config/schema.h"
#include "config/smoke.h"
#include "config/values.h"
#include "platform/files.h"
#include "util/secret.h"
#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lectio {

// The check types and the recovery actions there are, injected: config/ knows nothing of checks/ and
// recovery/ (they depend on it). Each brings its own key table.
struct KindSchema {
    std::string_view name;
    std::string_view help;
    const SchemaBase* schema;
};
struct Kinds {
    std::vector<KindSchema> checks;  // from all_checks()
    std::vector<KindSchema> actions; // from all_actions()
};

struct Paths {
    Path env_file{"/opt/lectio-monitor/config.env"};
    Path state{"/var/lib/lectio-monitor"};
    Path run{"/run/lectio-monitor"};
    Path logs{"/var/log/lectio-monitor"};
    Path metrics; // empty: not written
};

struct LogSettings {
    enum class Format { text, json };
    enum class Level { debug, info, warn, error };
    Format format = Format::text;
    Level level = Level::info;
};

struct CheckSettings {
    std::string name, type;
    CheckCommon common;
    std::shared_ptr<const void> settings; // what CheckType::make takes;
    Position position;                    // of the table's header
    std::vector<std::string> unset; // variables it needs that are set nowhere: disabled, warning `config`
};

struct RungSettings { // one [[health.recovery]]
    std::string name;
    std::vector<std::string> when;
    std::string action; // a name of Kinds::actions
    Duration settle{10'000};
    std::shared_ptr<const void> settings; // what ActionType::make takes
    Position position;
    std::vector<std::string> unset; // variables it needs that are set nowhere: left out, warning `config`
};

struct LimitSettings {
    int attempts = 3;
    Duration cooldown{300'000};
    std::vector<Duration> waits{Duration(60'000), Duration(300'000), Duration(900'000)};
    int per_hour = 6;
};

struct HealthSettings {
    Duration deadline{50'000};
    Duration boot_grace{120'000};
    std::vector<CheckSettings> checks; // in the order of the file
    std::vector<RungSettings> recovery;
    LimitSettings limits;
};

struct AuditSettings {
    std::string profile;
};

struct DeepcheckSettings {
    Duration deadline{300'000};
    std::vector<CheckSettings> checks; // in the order of the file
    AuditSettings audit;
};

struct OutboxSettings {
    int messages = 10000;
    Bytes size = 50_MB;
};

struct AlertSettings {
    Duration remind{3'600'000}; // 0: never
    int per_hour = 20;          // 0: no limit
    std::string digest, quiet;  // "09:00", "23:00-08:00"; empty: none
    Duration deploy_grace{600'000};
    Duration key_window{3'600'000};
    Duration merge_after{120'000};
    Duration failover{600'000}; // 0: never
    OutboxSettings outbox;
};

struct HistorySettings {
    Duration keep = std::chrono::hours(24 * 90);
    Bytes size = 200_MB;
};

// The page of how things stand, written after runs.
struct StatusSettings {
    Path html; // empty: never
    int days = 90;
    FileMode mode{0644}; // a web server is to read it
};

// What each type of channel is set up with; `k_type` is the word in the file. complete(): every key that the type
// cannot do without was read, also where the rest of the file is wrong.
struct TelegramChannel {
    static constexpr std::string_view k_type = "telegram";
    Secret token;
    IdText chat;
    std::optional<std::int64_t> thread;
    std::string api = "https://api.telegram.org";
    std::string proxy;
    std::vector<std::int64_t> operators;
    [[nodiscard]] bool complete() const { return !token.empty() && !chat.text.empty(); }
};

struct EmailChannel {
    static constexpr std::string_view k_type = "email";
    enum class StartTls { required, none };
    std::string url; // smtp://host:587, smtps://host:465
    std::string user;
    Secret password;
    std::string from;
    std::vector<std::string> to;
    Path ca;                                // empty: the system's
    StartTls starttls = StartTls::required; // of smtp://
    [[nodiscard]] bool complete() const { return !url.empty() && !from.empty() && !to.empty(); }
};

struct WebhookChannel {
    static constexpr std::string_view k_type = "webhook";
    Secret url; // who knows it may post
    Secret secret;
    std::map<std::string, std::string> headers;
    Duration timeout{10'000};
    [[nodiscard]] bool complete() const { return !url.empty(); }
};

struct AlertmanagerChannel {
    static constexpr std::string_view k_type = "alertmanager";
    std::string url;
    std::map<std::string, std::string> labels;
    Duration timeout{10'000};
    [[nodiscard]] bool complete() const { return !url.empty(); }
};

struct CommandChannel {
    static constexpr std::string_view k_type = "command";
    std::vector<std::string> command;
    Duration timeout{10'000};
    [[nodiscard]] bool complete() const { return !command.empty(); }
};

struct ChannelSettings { // one [channel.NAME]
    using Own =
        std::variant<TelegramChannel, EmailChannel, WebhookChannel, AlertmanagerChannel, CommandChannel>;
    std::string name;
    std::vector<std::string> unset; // variables it needs that are set nowhere: disabled, warning `config`
    Own own;
    [[nodiscard]] std::string_view type() const;
    // nullptr: it is of another type.
    template<class Type>
    [[nodiscard]] const Type* as() const {
        return std::get_if<Type>(&own);
    }
};

struct Escalation {
    Duration after{}; // still open and not acknowledged
    std::vector<std::string> to;
};

struct Route {
    std::vector<Severity> severity; // empty: every
    std::vector<std::string> tool;  // empty: every
    std::vector<std::string> check; // "health/disk", "deepcheck/*"; empty: every
    std::vector<std::string> to;
    std::optional<Escalation> escalate;
};

// Variables whose value cannot be used where the configuration refers to them, and what is wrong with it, as a
// problem says it (never the value). They stand among the `unset` of what needs them.
using WrongVariables = std::map<std::string, Text>;

struct Config {
    enum class Source { file, config_env, discovery };
    Source source = Source::discovery;
    std::string file; // as given; empty: discovery

    Lang lang = Lang::ru;
    std::string timezone; // empty: the host's
    std::string host;     // empty: the hostname
    Paths paths;
    LogSettings log;
    HealthSettings health;
    SmokeSettings smoke;
    DeepcheckSettings deepcheck;
    DeploySettings deploy;
    BackupSettings backup;
    CleanupSettings cleanup;
    AlertSettings alerts;
    HistorySettings history;
    StatusSettings status;
    std::vector<ChannelSettings> channels;
    std::vector<Route> routes;
    HeartbeatSettings heartbeat;

    // What each report says of the configuration, as warnings of the self check `config`: variables that are
    // not set, the wrong bot, an env file that others can read.
    struct Note {
        Text message, hint;
        std::vector<std::string> unset; // the variables that are not set, where the note is of these
        std::string tool{};             // whose report says it, "smoke"; empty: each
    };
    std::vector<Note> notes;
    WrongVariables wrong_variables;
    bool always_muted = false; // ALERTS_MUTED=1
    Path mute_file;            // ALERTS_MUTE_FILE: the mute marker, where it is not paths.run/mute_until
    // What discovery or config.env assumed, for the report; no warnings.
    std::vector<Text> assumed;
    std::vector<Text> explained; // of each check that discovery made, why: for those who want to know (-v)
};

// A tree into a Config. Every problem is in `problems`; with errors the Config is what could be read of it
// and only its channels, alerts, paths, lang, timezone and host may be used (to tell of the errors).
// `wrong`: names that the tree marks as unset because their values are of no use.
Config read_config(const Node& root, const Kinds& kinds, Problems& problems,
                   const WrongVariables& wrong = {});

// "variable A is not set", "variables A, B are not set", "the value of variable C is wrong: …".
Text unset_words(const std::vector<std::string>& variables, const WrongVariables& wrong);

// The key table as a tree, for docs/configuration.md and tests: a section, its header, its rows.
struct Section {
    std::string header; // "[health.check.NAME] type = \"http\""
    std::string help;
    const SchemaBase* schema;
};
std::vector<Section> all_sections(const Kinds& kinds);

} // namespace lectio

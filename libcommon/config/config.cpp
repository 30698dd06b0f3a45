#include "config/config.h"

#include "config/sections.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 10> k_tools{"health", "smoke",  "deepcheck", "heartbeat", "notify",
                                                   "deploy", "backup", "cleanup",   "status",    "cron"};

constexpr Phrase k_one_unset{"variable {} is not set", "не задана переменная {}"};
constexpr Phrase k_some_unset{"variables {} are not set", "не заданы переменные {}"};
constexpr Phrase k_check_off{"check {} is off: {}", "проверка {} выключена: {}"};
constexpr Phrase k_rung_off{"recovery {} is off: {}", "восстановление {} выключено: {}"};
constexpr Phrase k_channel_off{"channel {} is off: {}", "канал {} выключен: {}"};
constexpr Phrase k_nothing_on{"no check is switched on: nothing is watched",
                              "все проверки выключены: ни за чем не следим"};
constexpr Phrase k_switch_on{"remove `enabled = false` from what is to be watched",
                             "уберите `enabled = false` у того, за чем нужно следить"};
constexpr Phrase k_default_used{"{}: the default is used", "{}, взято значение по умолчанию"};
constexpr Phrase k_set_it{"set it in {}", "задайте её в {}"};
constexpr Phrase k_set_them{"set them in {}", "задайте их в {}"};
constexpr Phrase k_wrong_value{"the value of variable {} is wrong: {}",
                               "неверное значение переменной {}: {}"};
constexpr Phrase k_correct_it{"correct it in {}", "исправьте его в {}"};

constexpr Phrase k_unknown_tool{"unknown tool \"{}\"", "неизвестный инструмент \"{}\""};
constexpr Phrase k_unknown_check{"unknown check \"{}\"", "неизвестная проверка \"{}\""};
constexpr Phrase k_unknown_channel{"unknown channel \"{}\"", "неизвестный канал \"{}\""};
constexpr Phrase k_unknown_login{"unknown login \"{}\"", "неизвестный вход \"{}\""};
constexpr Phrase k_unknown_step{"unknown step \"{}\"", "неизвестный шаг \"{}\""};
constexpr Phrase k_unknown_type{"unknown type \"{}\"", "неизвестный тип \"{}\""};
constexpr Phrase k_unknown_action{"unknown action \"{}\"", "неизвестное действие \"{}\""};
constexpr Phrase k_unknown_channel_type{"unknown channel type \"{}\"", "неизвестный тип канала \"{}\""};
constexpr Phrase k_type_later{"type \"{}\" is not built yet: ignored",
                              "тип \"{}\" ещё не сделан: пропускается"};
constexpr Phrase k_action_later{"action \"{}\" is not built yet: ignored",
                                "действие \"{}\" ещё не сделано: пропускается"};
constexpr Phrase k_channel_type_later{"channel type \"{}\" is not built yet: ignored",
                                      "тип канала \"{}\" ещё не сделан: пропускается"};
constexpr Phrase k_section_later{"\"{}\" is not built yet: ignored", "\"{}\" ещё не сделано: пропускается"};
constexpr Phrase k_missing_key{"missing key \"{}\"", "не хватает ключа \"{}\""};
constexpr Phrase k_expected_text{"expected text, found {}", "ожидается текст, а здесь {}"};
constexpr Phrase k_routes_words{"list of tables ([[route]])", "список таблиц ([[route]])"};
constexpr Phrase k_rungs_words{"list of tables ([[health.recovery]])", "список таблиц ([[health.recovery]])"};
constexpr Phrase k_checks_words{"table of checks", "таблица проверок"};
constexpr Phrase k_channels_words{"table of channels", "таблица каналов"};
constexpr Phrase k_sources_words{"table of sources", "таблица источников"};
constexpr Phrase k_nothing_to_clear{"checks of type \"{}\" have nothing that `clear` could speak of",
                                    "у проверок типа \"{}\" нет порогов, к которым относится `clear`"};
constexpr Phrase k_of{"{}: {}", "{}: {}"};
constexpr Phrase k_wrong_secret_out_of{"{} = \"{}\": {}", "{} = \"{}\": {}"};
constexpr Phrase k_named_twice{"\"{}\" is named a second time", "\"{}\" указано второй раз"};
constexpr Phrase k_second_rung{"a second recovery named \"{}\"", "второе восстановление с именем \"{}\""};
constexpr Phrase k_second_step{"a second step named \"{}\"", "второй шаг с именем \"{}\""};
constexpr Phrase k_no_check_name{"\"{}\" is no name of a check", "\"{}\" не годится в имя проверки"};
constexpr Phrase k_needs_itself{"\"{}\" needs itself", "\"{}\" зависит от самой себя"};
constexpr Phrase k_needs_itself_by{"\"{}\" needs itself by way of \"{}\"",
                                   "\"{}\" зависит от самой себя через \"{}\""};
constexpr Phrase k_too_long{"timeout: the whole run may take no longer than {} ({}.deadline)",
                            "timeout: весь запуск может длиться не дольше {} ({}.deadline)"};

constexpr Phrase k_variable_unset{"{} is not set, neither in {} nor in the environment",
                                  "{} нигде не задано: ни в {}, ни в окружении"};

// A text of the file with its place, for names that refer to something.
struct Mention {
    std::string text;
    std::string shown; // as it was written: a value from a variable may be a secret that has strayed
    Position position;
};

std::string as_written(const Node& value) {
    return value.written().empty() ? *value.get<std::string>() : value.written();
}

// The texts of a list; what is not a list of texts was reported when the key was read.
std::vector<Mention> mentions(const Node* list) {
    std::vector<Mention> found;
    const auto* items = list != nullptr ? list->get<Node::Array>() : nullptr;
    if (items == nullptr) {
        return found;
    }
    for (const Node& item : *items) {
        if (const auto* text = item.get<std::string>(); text != nullptr && item.unset().empty()) {
            found.push_back({*text, as_written(item), item.position()});
        }
    }
    return found;
}

std::vector<Mention> mention(const Node* value) {
    const auto* text = value != nullptr ? value->get<std::string>() : nullptr;
    return text != nullptr && value->unset().empty()
               ? std::vector<Mention>{{*text, as_written(*value), value->position()}}
               : std::vector<Mention>{};
}

const Node::Table& table_of(const Node* node) {
    static const Node::Table empty;
    const auto* table = node != nullptr ? node->get<Node::Table>() : nullptr;
    return table != nullptr ? *table : empty;
}

const Node::Array& array_of(const Node* node) {
    static const Node::Array empty;
    const auto* array = node != nullptr ? node->get<Node::Array>() : nullptr;
    return array != nullptr ? *array : empty;
}

const Node* find_in(const Node* table, std::string_view key) {
    return table != nullptr ? table->find(key) : nullptr;
}

Names names_in(const Node* table) {
    Names names;
    for (const Member& member : table_of(table)) {
        names.insert(member.key);
    }
    return names;
}

Names names_of_items(const Node* list) {
    Names names;
    for (const Node& item : array_of(list)) {
        for (const Mention& name : mention(item.find("name"))) {
            names.insert(name.text);
        }
    }
    return names;
}

std::vector<std::string> unset_names(std::span<const UnsetReference> references) {
    std::vector<std::string> names;
    for (const UnsetReference& reference : references) {
        if (std::find(names.begin(), names.end(), reference.name) == names.end()) {
            names.push_back(reference.name);
        }
    }
    return names;
}

// Reads the whole tree, section by section, in the order in which the example shows them.
class Reader {
  public:
    Reader(const Node& root, const Kinds& kinds, Problems& problems, const WrongVariables& wrong)
        : m_root(root), m_kinds(kinds), m_reading{problems, {}, Reading::Later::announce} {
        m_config.wrong_variables = wrong;
    }

    Config read() {
        read_top();
        read_health();
        read_later_tools();
        read_channels();
        read_alerts_and_routes();
        read_heartbeat();
        read_section("history", history_schema(), m_config.history);
        check_references();
        check_timeouts();
        report_unset();
        report_nothing_on();
        m_reading.problems.sort();
        return std::move(m_config);
    }

  private:
    // ── sections ──

    void read_top() {
        TopLevel top;
        const std::array<std::string_view, 14> sections{
            "paths", "log",       "health", "smoke",  "deepcheck", "alerts",  "channel",
            "route", "heartbeat", "deploy", "backup", "cleanup",   "history", "status"};
        const Target target{&top_schema(), &top};
        read_table(m_root, {&target, 1}, m_reading, sections);
        remember_defaulted(0);
        m_config.lang = top.lang;
        m_config.timezone = top.timezone;
        m_config.host = top.host;
        read_section("paths", paths_schema(), m_config.paths);
        read_section("log", log_schema(), m_config.log);
    }

    template<class T>
    void read_section(std::string_view key, const Schema<T>& schema, T& object,
                      std::span<const std::string_view> known = {}) {
        if (const Node* table = m_root.find(key)) {
            const std::size_t before = m_reading.unset.size();
            const Target target{&schema, &object};
            read_table(*table, {&target, 1}, m_reading, known);
            remember_defaulted(before);
        }
    }

    void read_health() {
        constexpr std::array<std::string_view, 2> k_known{"check", "recovery"};
        read_section("health", health_schema(), m_config.health, k_known);
        const Node* health = m_root.find("health");
        if (const Node* checks = find_in(health, "check")) {
            m_config.health.checks = read_checks(*checks);
        }
        if (const Node* rungs = find_in(health, "recovery")) {
            read_rungs(*rungs);
        }
    }

    void read_heartbeat() {
        Heartbeat heartbeat;
        if (const Node* table = m_root.find("heartbeat")) {
            const Quiet quiet(*this, "heartbeat");
            heartbeat_schema().read(*table, heartbeat, m_reading);
            judge_secret(table->find("url"), ping_url_complaint, "url");
        }
        m_config.tool_ages = heartbeat.tools;
        const Node* tools = find_in(m_root.find("heartbeat"), "tools");
        for (const Member& member : table_of(tools)) {
            if (std::find(k_tools.begin(), k_tools.end(), member.key) == k_tools.end()) {
                unknown(k_unknown_tool, member.key, member.key_position, k_tools);
            }
        }
    }

    void read_alerts_and_routes() {
        read_section("alerts", alerts_schema(), m_config.alerts);
        const Node* routes = m_root.find("route");
        if (routes != nullptr && detail::expect_array(*routes, say(k_routes_words), m_reading)) {
            for (const Node& node : array_of(routes)) {
                route_schema().read(node, m_config.routes.emplace_back(), m_reading);
            }
        }
    }

    void read_later_tools() {
        read_later("smoke", smoke_schema());
        constexpr std::array<std::string_view, 1> k_check{"check"};
        read_later("deepcheck", deepcheck_schema(), k_check);
        if (const Node* checks = find_in(m_root.find("deepcheck"), "check")) {
            const Quiet quiet(*this);
            read_checks(*checks);
        }
        read_later("deploy", deploy_schema());
        constexpr std::array<std::string_view, 1> k_source{"source"};
        read_later("backup", backup_schema(), k_source);
        read_backup_sources();
        read_later("cleanup", cleanup_schema());
        read_later("status", status_schema());
    }

    // Inside of it, nothing is announced as coming later: the whole has been.
    class Quiet {
      public:
        explicit Quiet(Reader& reader) : m_reader(reader) {
            m_reader.m_reading.later = Reading::Later::quiet;
        }
        Quiet(Reader& reader, std::string_view section) : Quiet(reader) { reader.announce(section); }
        Quiet(const Quiet&) = delete;
        Quiet& operator=(const Quiet&) = delete;
        ~Quiet() { m_reader.m_reading.later = Reading::Later::announce; }

      private:
        Reader& m_reader;
    };

    void announce(std::string_view section) {
        for (const Member& member : table_of(&m_root)) {
            if (member.key == section) {
                warn(member.key_position, say(k_section_later, section));
            }
        }
    }

    void read_later(std::string_view key, const SchemaBase& schema,
                    std::span<const std::string_view> known = {}) {
        if (const Node* table = m_root.find(key)) {
            const Quiet quiet(*this, key);
            const std::shared_ptr<void> dropped = schema.make();
            const Target target{&schema, dropped.get()};
            read_table(*table, {&target, 1}, m_reading, known);
        }
    }

    // ── tables that say with one key what the others are ──

    // What a table is: a check of type http, a recovery that restarts.
    struct Kind {
        std::string_view key; // "type" or "action"
        std::string_view name;
        const SchemaBase* schema = nullptr;
        bool later = false;
    };
    struct Choices {
        std::span<const KindSchema> now, later;
    };

    // A table's key that says what it is, and what is said of a word there.
    struct KindKey {
        std::string_view key;
        const Phrase& unknown;
        const Phrase& later;
    };
    static constexpr KindKey k_type{"type", k_unknown_type, k_type_later};
    static constexpr KindKey k_action{"action", k_unknown_action, k_action_later};
    static constexpr KindKey k_channel_type{"type", k_unknown_channel_type, k_channel_type_later};

    // The kind that the word under `what.key` names. Otherwise that is reported, and so is every key that no kind
    // has (CONTRACT 2).
    std::optional<Kind> read_kind(const Node& table, const KindKey& what, const SchemaBase& common,
                                  const Choices& choices) {
        const Node* value = table.find(what.key);
        const auto* word = value != nullptr ? value->get<std::string>() : nullptr;
        if (value == nullptr) {
            error(table.position(), say(k_missing_key, what.key));
        } else if (word == nullptr) {
            error(value->position(), say(k_expected_text, value->type_name()));
        } else if (!value->unset().empty()) {
            detail::is_set(*value, m_reading);
        } else if (const std::optional<Kind> kind = find_kind(what.key, *word, choices)) {
            if (kind->later && m_reading.later == Reading::Later::announce) {
                warn(value->position(), say(what.later, *word));
            }
            return kind;
        } else {
            unknown(what.unknown, as_written(*value), value->position(), names_of(choices));
        }
        report_keys_of_no_kind(table, what.key, common, choices);
        return std::nullopt;
    }

    static std::optional<Kind> find_kind(std::string_view key, std::string_view word,
                                         const Choices& choices) {
        for (const bool later : {false, true}) {
            for (const KindSchema& each : later ? choices.later : choices.now) {
                if (each.name == word) {
                    return Kind{key, each.name, each.schema, later};
                }
            }
        }
        return std::nullopt;
    }

    static std::vector<std::string_view> names_of(const Choices& choices) {
        std::vector<std::string_view> names;
        for (const auto& kinds : {choices.now, choices.later}) {
            for (const KindSchema& each : kinds) {
                names.push_back(each.name);
            }
        }
        return names;
    }

    void report_keys_of_no_kind(const Node& table, std::string_view kind_key, const SchemaBase& common,
                                const Choices& choices) {
        std::vector<std::string_view> keys{kind_key};
        const auto add = [&](const SchemaBase& schema) {
            for (const RowHead& row : schema.heads()) {
                keys.push_back(row.name);
            }
        };
        add(common);
        for (const auto& kinds : {choices.now, choices.later}) {
            for (const KindSchema& each : kinds) {
                add(*each.schema);
            }
        }
        for (const Member& member : *table.get<Node::Table>()) {
            if (std::find(keys.begin(), keys.end(), member.key) == keys.end()) {
                unknown(k_unknown_key, member.key, member.key_position, keys);
            }
        }
    }

    std::vector<CheckSettings> read_checks(const Node& checks) {
        std::vector<CheckSettings> read;
        if (detail::expect_table(checks, say(k_checks_words), m_reading) == nullptr) {
            return read;
        }
        for (const Member& member : table_of(&checks)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                if (std::optional<CheckSettings> check = read_check(member.key, table)) {
                    read.push_back(std::move(*check));
                }
            }
        }
        return read;
    }

    std::optional<CheckSettings> read_check(const std::string& name, const Node& table) {
        const std::optional<Kind> kind =
            read_kind(table, k_type, check_common_schema(), {m_kinds.checks, later_checks()});
        if (!kind) {
            return std::nullopt;
        }
        CheckSettings check;
        check.name = name;
        check.type = kind->name;
        check.position = table.position();
        check.later = kind->later;
        const std::shared_ptr<void> settings = kind->schema->make();
        check.unset = read_part(
            table, {{{&check_common_schema(), &check.common}, {kind->schema, settings.get()}}}, *kind);
        if (check.later) {
            return check;
        }
        check.settings = settings;
        const Member* clear = table.member("clear");
        if (clear != nullptr && check.common.clear != Thresholds{}) { // else it is the type's own key
            warn(clear->key_position, say(k_nothing_to_clear, check.type));
        }
        return check;
    }

    // Reads a part that is disabled as a whole by a variable that is not set; returns those.
    std::vector<std::string> read_part(const Node& table, std::vector<Target> targets, const Kind& kind) {
        const std::size_t before = m_reading.unset.size();
        const Reading::Later announce = m_reading.later;
        m_reading.later = kind.later ? Reading::Later::quiet : announce;
        read_table(table, targets, m_reading, {&kind.key, 1});
        m_reading.later = announce;
        return unset_names(std::span(m_reading.unset).subspan(before));
    }

    void read_rungs(const Node& rungs) {
        if (detail::expect_array(rungs, say(k_rungs_words), m_reading) == nullptr) {
            return;
        }
        for (const Node& table : array_of(&rungs)) {
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                read_rung(table);
            }
        }
    }

    void read_rung(const Node& table) {
        const std::optional<Kind> kind =
            read_kind(table, k_action, rung_common_schema(), {m_kinds.actions, later_actions()});
        if (!kind) {
            return;
        }
        RungSettings rung;
        rung.action = kind->name;
        rung.position = table.position();
        rung.later = kind->later;
        const std::shared_ptr<void> settings = kind->schema->make();
        rung.unset =
            read_part(table, {{{&rung_common_schema(), &rung}, {kind->schema, settings.get()}}}, *kind);
        if (!rung.later) {
            rung.settings = settings;
        }
        m_config.health.recovery.push_back(std::move(rung));
    }

    void read_channels() {
        const Node* channels = m_root.find("channel");
        if (channels == nullptr ||
            detail::expect_table(*channels, say(k_channels_words), m_reading) == nullptr) {
            return;
        }
        for (const Member& member : table_of(channels)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                read_channel(member.key, table);
            }
        }
    }

    void read_channel(const std::string& name, const Node& table) {
        static const std::array<KindSchema, 1> now{{{"telegram", "a Telegram bot", &telegram_schema()}}};
        const std::optional<Kind> kind =
            read_kind(table, k_channel_type, nothing_common(), {now, later_channels()});
        if (!kind) {
            return;
        }
        if (kind->later) {
            const std::shared_ptr<void> dropped = kind->schema->make();
            read_part(table, {{kind->schema, dropped.get()}}, *kind);
            return;
        }
        TelegramChannel channel;
        channel.name = name;
        channel.unset = read_part(table, {{&telegram_schema(), &channel}}, *kind);
        judge_secret(table.find("token"), token_complaint, "token");
        m_config.channels.push_back(std::move(channel));
    }

    // A secret that cannot be right. Out of a variable it is this host's, and no reason to refuse the
    // configuration: what needs it says so itself when it is used.
    template<class Complaint>
    void judge_secret(const Node* value, const Complaint& complaint, std::string_view key) {
        for (const Mention& secret : mention(value)) {
            if (const std::optional<Text> wrong = complaint(secret.text)) {
                value->written().empty() ? error(secret.position, say(k_of, key, *wrong))
                                         : warn(secret.position, say(k_wrong_secret_out_of, key,
                                                                     clean_line(value->written()), *wrong));
            }
        }
    }

    void read_backup_sources() {
        const Node* sources = find_in(m_root.find("backup"), "source");
        if (sources == nullptr ||
            detail::expect_table(*sources, say(k_sources_words), m_reading) == nullptr) {
            return;
        }
        const Quiet quiet(*this);
        for (const Member& member : table_of(sources)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) == nullptr) {
                continue;
            }
            if (const std::optional<Kind> kind =
                    read_kind(table, k_type, backup_common_schema(), {later_backups(), {}})) {
                const std::shared_ptr<void> common = backup_common_schema().make();
                const std::shared_ptr<void> own = kind->schema->make();
                read_part(table, {{&backup_common_schema(), common.get()}, {kind->schema, own.get()}}, *kind);
            }
        }
    }

    static const SchemaBase& nothing_common() {
        static const Schema<NotYet> schema{};
        return schema;
    }

    // ── names that refer to something ──

    void check_references() {
        const Node* health = m_root.find("health");
        const Names checks = names_in(find_in(health, "check"));
        check_needs("health", find_in(health, "check"));
        check_needs("deepcheck", find_in(m_root.find("deepcheck"), "check"));
        Names rungs;
        for (const Node& rung : array_of(find_in(health, "recovery"))) {
            check_known(mentions(rung.find("when")), checks, k_unknown_check);
            check_named_once(rung.find("when"));
            check_unique(rung, rungs, k_second_rung);
        }
        const Names channels = names_in(m_root.find("channel"));
        for (const Node& route : array_of(m_root.find("route"))) {
            for (const Node* to : {route.find("to"), find_in(route.find("escalate"), "to")}) {
                check_known(mentions(to), channels, k_unknown_channel);
                check_named_once(to);
            }
        }
        check_gate(checks);
        check_steps();
    }

    void check_gate(const Names& checks) {
        const Node* gate = find_in(m_root.find("deploy"), "gate");
        check_named_once(find_in(gate, "checks"));
        for (const Mention& name : mentions(find_in(gate, "checks"))) {
            if (name.text.find('/') == std::string::npos) {
                check_known({name}, checks, k_unknown_check);
            } else {
                check_foreign(name);
            }
        }
    }

    void check_steps() {
        const Node* smoke = m_root.find("smoke");
        const Names logins = names_in(find_in(smoke, "login"));
        const Names steps = names_of_items(find_in(smoke, "step"));
        Names seen;
        for (const Node& step : array_of(find_in(smoke, "step"))) {
            check_known(mention(step.find("as")), logins, k_unknown_login);
            check_known(mentions(step.find("needs")), steps, k_unknown_step);
            check_named_once(step.find("needs"));
            check_unique(step, seen, k_second_step);
        }
    }

    void check_known(const std::vector<Mention>& names, const Names& known, const Phrase& words) {
        for (const Mention& name : names) {
            if (!known.contains(name.text)) {
                unknown(words, name.shown, name.position,
                        std::vector<std::string_view>(known.begin(), known.end()));
            }
        }
    }

    void check_named_once(const Node* list) {
        Names seen;
        for (const Mention& name : mentions(list)) {
            if (!seen.insert(name.text).second) {
                error(name.position, say(k_named_twice, clean_line(name.shown)));
            }
        }
    }

    void check_unique(const Node& item, Names& seen, const Phrase& second) {
        for (const Mention& name : mention(item.find("name"))) {
            if (!seen.insert(name.text).second) {
                error(name.position, say(second, clean_line(name.shown)));
            }
        }
    }

    // "tool/check" of another tool: the tool must be one, its checks are its own business.
    void check_foreign(const Mention& name) {
        const std::string tool = name.text.substr(0, name.text.find('/'));
        const std::string check = name.text.substr(tool.size() + 1);
        if (std::find(k_tools.begin(), k_tools.end(), tool) == k_tools.end()) {
            unknown(k_unknown_tool, tool, name.position, k_tools);
        } else if (!is_name(check)) {
            error(name.position, say(k_no_check_name, clean_line(check)));
        }
    }

    void check_needs(std::string_view tool, const Node* checks) {
        const Names known = names_in(checks);
        for (const Member& member : table_of(checks)) {
            check_named_once(find_in(&member.value.front(), "needs"));
            for (const Mention& need : mentions(find_in(&member.value.front(), "needs"))) {
                const std::string own = std::string(tool) + "/";
                if (need.text.starts_with(own)) {
                    check_known({{need.text.substr(own.size()), need.shown, need.position}}, known,
                                k_unknown_check);
                } else if (need.text.find('/') != std::string::npos) {
                    check_foreign(need);
                } else {
                    check_known({need}, known, k_unknown_check);
                }
            }
        }
        check_cycles(checks, std::string(tool) + "/");
    }

    // A check that needs itself, straight or around corners, could never be a root cause.
    void check_cycles(const Node* checks, const std::string& own) {
        const Needs needs = needs_of(checks, own);
        for (const auto& [check, direct] : needs) {
            if (const std::optional<std::string_view> last = way_back(check, needs)) {
                const std::string self = clean_line(check);
                error(checks->find(check)->find("needs")->position(),
                      *last == check ? say(k_needs_itself, self)
                                     : say(k_needs_itself_by, self, clean_line(*last)));
            }
        }
    }

    using Needs = std::map<std::string_view, std::vector<std::string>>; // of those that need any

    static Needs needs_of(const Node* checks, const std::string& own) {
        Needs needs;
        for (const Member& member : table_of(checks)) {
            for (const Mention& need : mentions(find_in(&member.value.front(), "needs"))) {
                needs[member.key].push_back(need.text.starts_with(own) ? need.text.substr(own.size())
                                                                       : need.text);
            }
        }
        return needs;
    }

    // The check on the way that names `check` again; nothing when none does.
    static std::optional<std::string_view> way_back(std::string_view check, const Needs& needs) {
        std::set<std::string_view> seen;
        std::vector<std::string_view> open{check};
        while (!open.empty()) {
            const std::string_view name = open.back();
            open.pop_back();
            const auto found = needs.find(name);
            if (!seen.insert(name).second || found == needs.end()) {
                continue;
            }
            for (const std::string& next : found->second) {
                if (next == check) {
                    return found->first;
                }
                open.push_back(next);
            }
        }
        return std::nullopt;
    }

    // ── times that do not fit into the run ──

    // What takes longer than its run is cut off by it, and never told as what it is.
    void check_timeouts() {
        const Node* health = m_root.find("health");
        const Duration health_deadline = m_config.health.deadline;
        for (const Member& check : table_of(find_in(health, "check"))) {
            check_timeout(check.value.front().find("timeout"), health_deadline, "health");
        }
        for (const Node& rung : array_of(find_in(health, "recovery"))) {
            check_timeout(rung.find("timeout"), health_deadline, "health");
        }
        const Node* deepcheck = m_root.find("deepcheck");
        for (const Member& check : table_of(find_in(deepcheck, "check"))) {
            check_timeout(check.value.front().find("timeout"), deadline_of(deepcheck), "deepcheck");
        }
        const Node* smoke = m_root.find("smoke");
        check_timeout(find_in(smoke, "timeout"), deadline_of(smoke), "smoke");
        for (const Node& step : array_of(find_in(smoke, "step"))) {
            check_timeout(step.find("timeout"), deadline_of(smoke), "smoke");
        }
    }

    void check_timeout(const Node* timeout, std::optional<Duration> deadline, std::string_view tool) {
        const std::optional<Duration> read = duration_of(timeout);
        if (read && deadline && *read > *deadline && !is_told(timeout->position())) {
            error(timeout->position(), say(k_too_long, detail::default_words(*deadline), tool));
        }
    }

    static std::optional<Duration> deadline_of(const Node* tool) {
        return duration_of(find_in(tool, "deadline"));
    }

    static std::optional<Duration> duration_of(const Node* value) {
        const auto* text = value != nullptr ? value->get<std::string>() : nullptr;
        const Result<Duration> parsed = parse_duration(text != nullptr ? *text : "");
        return parsed ? std::optional(*parsed) : std::nullopt;
    }

    [[nodiscard]] bool is_told(Position position) const {
        const auto& all = m_reading.problems.all();
        return std::any_of(all.begin(), all.end(),
                           [&](const Problem& problem) { return problem.position == position; });
    }

    // ── what is set nowhere ──

    void report_unset() {
        for (const UnsetReference& reference : m_reading.unset) {
            if (reference.name.find('$') != std::string::npos) {
                continue; // malformed, which is told already
            }
            const auto wrong = m_config.wrong_variables.find(reference.name);
            warn(reference.position,
                 wrong != m_config.wrong_variables.end()
                     ? say(k_of, reference.name, wrong->second)
                     : say(k_variable_unset, reference.name, m_config.paths.env_file.string()));
        }
        for (const CheckSettings& check : m_config.health.checks) {
            note_off(k_check_off, check.name, check.unset);
        }
        for (const RungSettings& rung : m_config.health.recovery) {
            note_off(k_rung_off, rung.name, rung.unset);
        }
        for (const TelegramChannel& channel : m_config.channels) {
            note_off(k_channel_off, channel.name, channel.unset);
        }
        for (const std::string& name : m_defaulted) {
            note(say(k_default_used, words_of({name})), {name});
        }
        for (const auto& [name, complaint] : m_config.wrong_variables) {
            if (!m_noted.contains(name)) { // of a tool that comes later, of a route
                note(words_of({name}), {name});
            }
        }
    }
    // Silence must not look like health. What is off for want of a variable is noted already.
    void report_nothing_on() {
        const std::vector<CheckSettings>& checks = m_config.health.checks;
        const bool nothing_on = std::none_of(checks.begin(), checks.end(), [](const CheckSettings& check) {
            return check.common.enabled && !check.later;
        });
        if (nothing_on && !checks.empty()) {
            warn(checks.front().position, say(k_nothing_on));
            m_config.notes.push_back({say(k_nothing_on), say(k_switch_on), {}});
        }
    }

    void note_off(const Phrase& phrase, const std::string& name, const std::vector<std::string>& unset) {
        if (!unset.empty()) {
            note(say(phrase, name, words_of(unset)), unset);
        }
    }
    void note(Text message, const std::vector<std::string>& unset) {
        std::vector<std::string> not_set;
        for (const std::string& name : unset) {
            m_noted.insert(name);
            if (!m_config.wrong_variables.contains(name)) {
                not_set.push_back(name);
            }
        }
        const Phrase& remedy = not_set.empty() ? k_correct_it : not_set.size() == 1 ? k_set_it : k_set_them;
        m_config.notes.push_back(
            {std::move(message), say(remedy, m_config.paths.env_file.string()), std::move(not_set)});
    }
    [[nodiscard]] Text words_of(const std::vector<std::string>& unset) const {
        return unset_words(unset, m_config.wrong_variables);
    }
    // What was not set since `before` and switches nothing off.
    void remember_defaulted(std::size_t before) {
        for (std::string& name : unset_names(std::span(m_reading.unset).subspan(before))) {
            m_defaulted.push_back(std::move(name));
        }
    }

    void unknown(const Phrase& words, std::string_view word, Position position,
                 std::span<const std::string_view> candidates) {
        report_unknown(words, word, position, candidates, m_reading.problems);
    }
    void error(Position position, Text message) { m_reading.problems.error(position, std::move(message)); }
    void warn(Position position, Text message) { m_reading.problems.warning(position, std::move(message)); }

    const Node& m_root;
    const Kinds& m_kinds;
    Reading m_reading;
    Config m_config;
    std::vector<std::string> m_defaulted;
    Names m_noted; // variables of which a note speaks
};

void add_alternatives(std::vector<Section>& sections, std::span<const KindSchema> all,
                      std::string_view header, bool later) {
    for (const KindSchema& each : all) {
        sections.push_back(
            {fmt::format("{} = \"{}\"", header, each.name), std::string(each.help), each.schema, later});
    }
}

} // namespace

Config read_config(const Node& root, const Kinds& kinds, Problems& problems, const WrongVariables& wrong) {
    return Reader(root, kinds, problems, wrong).read();
}

Text unset_words(const std::vector<std::string>& variables, const WrongVariables& wrong) {
    std::vector<std::string> unset;
    Text words;
    for (const std::string& name : variables) {
        if (const auto found = wrong.find(name); found != wrong.end()) {
            words = join("; ", {words, say(k_wrong_value, name, found->second)});
        } else {
            unset.push_back(name);
        }
    }
    if (!unset.empty()) {
        words = join("; ", {say(unset.size() == 1 ? k_one_unset : k_some_unset,
                                fmt::format("{}", fmt::join(unset, ", "))),
                            words});
    }
    return words;
}

std::vector<Section> all_sections(const Kinds& kinds) {
    std::vector<Section> sections{
        {"Top of the file", "before the first table", &top_schema()},
        {"[paths]", "where things are", &paths_schema()},
        {"[log]", "the tools' own logs", &log_schema()},
        {"[health]", "lectio-health, every minute", &health_schema()},
        {"[health.check.NAME]", "what every check knows, beside `type`", &check_common_schema()},
    };
    add_alternatives(sections, kinds.checks, "[health.check.NAME] type", false);
    sections.push_back({"[[health.recovery]]",
                        "what every rung of the ladder knows, beside `action`; tried top to bottom",
                        &rung_common_schema()});
    add_alternatives(sections, kinds.actions, "[[health.recovery]] action", false);
    sections.push_back({"[alerts]", "when and how often is told", &alerts_schema()});
    sections.push_back({"[channel.NAME] type = \"telegram\"", "a Telegram bot", &telegram_schema()});
    sections.push_back(
        {"[[route]]", "first match wins; no route: every channel gets everything", &route_schema()});
    sections.push_back({"[heartbeat]", "dead-man's ping over the whole suite", &heartbeat_schema()});
    add_alternatives(sections, later_checks(), "[TOOL.check.NAME] type", true);
    add_alternatives(sections, later_actions(), "[[health.recovery]] action", true);
    add_alternatives(sections, later_channels(), "[channel.NAME] type", true);
    sections.push_back({"[smoke]", "lectio-smoke, every 5 minutes", &smoke_schema(), true});
    sections.push_back({"[deepcheck]", "lectio-deepcheck, hourly", &deepcheck_schema(), true});
    sections.push_back({"[deploy]", "lectio-deploy", &deploy_schema(), true});
    sections.push_back({"[backup]", "lectio-backup", &backup_schema(), true});
    sections.push_back({"[backup.source.NAME]", "what every source knows", &backup_common_schema(), true});
    add_alternatives(sections, later_backups(), "[backup.source.NAME] type", true);
    sections.push_back({"[cleanup]", "lectio-cleanup, hourly", &cleanup_schema(), true});
    sections.push_back({"[history]", "what is kept of each run", &history_schema()});
    sections.push_back({"[status]", "one page of how things stand", &status_schema(), true});
    return sections;
}

} // namespace lectio

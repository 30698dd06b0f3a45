#include "config/config.h"

#include "config/complaints.h"
#include "config/env_file.h"
#include "config/run_time.h"
#include "config/sections.h"
#include "util/secret.h"
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
constexpr std::string_view k_growth = "growth"; // the type that refers to other checks by what they measure

constexpr Phrase k_one_unset{"variable {} is not set", "не задана переменная {}"};
constexpr Phrase k_some_unset{"variables {} are not set", "не заданы переменные {}"};
constexpr Phrase k_check_off{"check {} is off: {}", "проверка {} выключена: {}"};
constexpr Phrase k_rung_off{"recovery {} is off: {}", "восстановление {} выключено: {}"};
constexpr Phrase k_login_off{"login {} is off: {}", "вход {} выключен: {}"};
constexpr Phrase k_step_off{"step {} is off: {}", "шаг {} выключен: {}"};
constexpr Phrase k_channel_off{"channel {} is off: {}", "канал {} выключен: {}"};
constexpr Phrase k_check_word{"check {}", "проверка {}"};
constexpr Phrase k_rung_word{"recovery {}", "восстановление {}"};
constexpr Phrase k_login_word{"login {}", "вход {}"};
constexpr Phrase k_step_word{"step {}", "шаг {}"};
constexpr Phrase k_several_off{"{}; off because of it: {}", "{}; из-за этого выключено: {}"};
constexpr Phrase k_users_set_it{"{}; an account and its password are made by: sudo lectio-smoke setup-users",
                                "{}; учётную запись и пароль создаст: sudo lectio-smoke setup-users"};
constexpr Phrase k_empty_password{"it is empty, which is no password", "она пуста, а это не пароль"};
constexpr Phrase k_easy_password{"what login {0} logs in with is easily guessed; remove it from "
                                 "{1}, and sudo lectio-smoke setup-users makes up another",
                                 "то, с чем входит {0}, легко угадать; уберите его из {1}, и "
                                 "sudo lectio-smoke setup-users придумает другое"};
constexpr Phrase k_source_off{"backup of {} is off: {}", "резервное копирование {} выключено: {}"};
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
constexpr Phrase k_no_database_check{
    "the check \"{}\" looks at no database: its type is not sqlite or postgres",
    "проверка \"{}\" не следит за базой: её тип не sqlite и не postgres"};
constexpr Phrase k_unknown_check{"unknown check \"{}\"", "неизвестная проверка \"{}\""};
constexpr Phrase k_unknown_channel{"unknown channel \"{}\"", "неизвестный канал \"{}\""};
constexpr Phrase k_unknown_login{"unknown login \"{}\"", "неизвестный вход \"{}\""};
constexpr Phrase k_role_of_nobody{"no login is named \"{}\": this role is given to nobody",
                                  "нет входа \"{}\": эта роль никому не достанется"};
constexpr Phrase k_unknown_step{"unknown step \"{}\"", "неизвестный шаг \"{}\""};
constexpr Phrase k_unknown_type{"unknown type \"{}\"", "неизвестный тип \"{}\""};
constexpr Phrase k_unknown_action{"unknown action \"{}\"", "неизвестное действие \"{}\""};
constexpr Phrase k_unknown_channel_type{"unknown channel type \"{}\"", "неизвестный тип канала \"{}\""};
constexpr Phrase k_missing_key{"missing key \"{}\"", "не хватает ключа \"{}\""};
constexpr Phrase k_expected_text{"expected text, found {}", "ожидается текст, а здесь {}"};
constexpr Phrase k_routes_words{"list of tables ([[route]])", "список таблиц ([[route]])"};
constexpr Phrase k_rungs_words{"list of tables ([[health.recovery]])", "список таблиц ([[health.recovery]])"};
constexpr Phrase k_checks_words{"table of checks", "таблица проверок"};
constexpr Phrase k_logins_words{"table of logins", "таблица входов"};
constexpr Phrase k_steps_words{"list of tables ([[smoke.step]])", "список таблиц ([[smoke.step]])"};
constexpr Phrase k_channels_words{"table of channels", "таблица каналов"};
constexpr Phrase k_sources_words{"table of sources", "таблица источников"};
constexpr Phrase k_jobs_words{"table of jobs", "таблица заданий"};
constexpr Phrase k_nothing_to_clear{"checks of type \"{}\" have nothing that `clear` could speak of",
                                    "у проверок типа \"{}\" нет порогов, к которым относится `clear`"};
constexpr Phrase k_of{"{}: {}", "{}: {}"};
constexpr Phrase k_wrong_secret_out_of{"{} = \"{}\": {}", "{} = \"{}\": {}"};
constexpr Phrase k_named_twice{"\"{}\" is named a second time", "\"{}\" указано второй раз"};
constexpr Phrase k_second_rung{"a second recovery named \"{}\"", "второе восстановление с именем \"{}\""};
constexpr Phrase k_idle_rung{
    "this recovery will never act: what is mended must be critical, and the `severity` of its checks is "
    "below that",
    "это восстановление никогда не сработает: чинится только критичное, а `severity` его проверок ниже"};
constexpr Phrase k_second_step{"a second step named \"{}\"", "второй шаг с именем \"{}\""};
constexpr Phrase k_name_of_connection{
    "\"{}\" is the check whether the site answers at all; name the step otherwise",
    "\"{}\" — это проверка, отвечает ли сайт вообще; назовите шаг иначе"};
constexpr Phrase k_unknown_value{"no step saves {{{}}}", "ни один шаг не сохраняет {{{}}}"};
constexpr Phrase k_second_value{"a second step saves {{{}}}", "{{{}}} сохраняет уже второй шаг"};
constexpr Phrase k_no_check_name{"\"{}\" is no name of a check", "\"{}\" не годится в имя проверки"};
constexpr Phrase k_needs_itself{"\"{}\" needs itself", "\"{}\" зависит от самой себя"};
constexpr Phrase k_needs_itself_by{"\"{}\" needs itself by way of \"{}\"",
                                   "\"{}\" зависит от самой себя через \"{}\""};
constexpr Phrase k_too_long_to_look{
    "timeout: of the run ({1}.deadline) the checks have {0}, the rest is for mending and telling",
    "timeout: из всего запуска ({1}.deadline) на проверки есть {0}, остальное — чтобы чинить и сообщать"};
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
        read_smoke();
        read_deepcheck();
        read_later_tools();
        read_channels();
        read_alerts_and_routes();
        read_heartbeat();
        read_section("history", history_schema(), m_config.history);
        check_references();
        check_timeouts();
        warn_of_idle_rungs();
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

    void read_smoke() {
        constexpr std::array<std::string_view, 2> k_known{"login", "step"};
        read_section("smoke", smoke_schema(), m_config.smoke, k_known);
        const Node* smoke = m_root.find("smoke");
        if (const Node* logins = find_in(smoke, "login")) {
            read_logins(*logins);
        }
        if (const Node* steps = find_in(smoke, "step")) {
            read_steps(*steps);
        }
    }

    void read_deepcheck() {
        constexpr std::array<std::string_view, 1> k_known{"check"};
        read_section("deepcheck", deepcheck_schema(), m_config.deepcheck, k_known);
        if (const Node* checks = find_in(m_root.find("deepcheck"), "check")) {
            m_config.deepcheck.checks = read_checks(*checks);
        }
    }

    void read_logins(const Node& logins) {
        if (detail::expect_table(logins, say(k_logins_words), m_reading) == nullptr) {
            return;
        }
        for (const Member& member : table_of(&logins)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                LoginSettings login;
                login.name = member.key;
                read_asking(table, smoke_login_schema(), login);
                for (const std::string_view body : {"json", "form"}) {
                    judge_passwords(table.find(body), login);
                }
                m_config.smoke.logins.push_back(std::move(login));
            }
        }
    }

    void read_steps(const Node& steps) {
        if (detail::expect_array(steps, say(k_steps_words), m_reading) == nullptr) {
            return;
        }
        for (const Node& table : array_of(&steps)) {
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                StepSettings step;
                read_asking(table, smoke_step_schema(), step);
                m_config.smoke.steps.push_back(std::move(step));
            }
        }
    }

    // A login or a step.
    template<class T>
    void read_asking(const Node& table, const Schema<T>& schema, T& asking) {
        const std::size_t before = m_reading.unset.size();
        const std::array<Target, 2> targets{{{&check_common_schema(), &asking.common}, {&schema, &asking}}};
        read_table(table, targets, m_reading);
        asking.position = table.position();
        asking.unset = unset_names(std::span(m_reading.unset).subspan(before));
        for (const std::string_view key : {"json", "form", "headers"}) {
            remember_passwords(table.find(key));
        }
    }

    // What is called a password is never shown, wherever it was written.
    static void remember_passwords(const Node* table) {
        constexpr std::array<std::string_view, 6> k_hidden{"pass", "secret", "token",
                                                           "key",  "auth",   "cookie"};
        for (const Member& member : table_of(table)) {
            const auto* text = member.value.front().get<std::string>();
            const bool hidden = std::any_of(k_hidden.begin(), k_hidden.end(), [&](std::string_view word) {
                return contains_ignoring_case(member.key, word);
            });
            if (text != nullptr && hidden) {
                remember_secret(*text);
            }
            remember_passwords(&member.value.front());
        }
    }

    // An empty one out of a variable is one that nobody has set: `lectio-smoke setup-users` makes one up.
    void judge_passwords(const Node* body, LoginSettings& login) {
        for (const Member& member : table_of(body)) {
            const Node& value = member.value.front();
            const auto* text = value.get<std::string>();
            if (text == nullptr || !contains_ignoring_case(member.key, "pass") || !value.unset().empty()) {
                continue;
            }
            if (text->empty() && !value.written().empty()) {
                const auto anything = [](const std::string&) { return std::optional<std::string>(""); };
                for (const std::string& name : variables_in(value.written(), anything)) {
                    m_config.wrong_variables.emplace(name, say(k_empty_password));
                    m_reading.unset.push_back({name, value.position()});
                    login.unset.push_back(name);
                }
            } else if (!text->empty() && is_easily_guessed(*text)) {
                warn(value.position(), say(k_easy_password, login.name, m_config.paths.env_file.string()));
            }
        }
    }

    void read_heartbeat() {
        HeartbeatSettings& heartbeat = m_config.heartbeat;
        const Node* table = m_root.find("heartbeat");
        if (table == nullptr) {
            return;
        }
        const std::size_t before = m_reading.unset.size();
        const Target target{&heartbeat_schema(), &heartbeat};
        constexpr std::array<std::string_view, 1> k_job{"job"};
        read_table(*table, {&target, 1}, m_reading, k_job);
        heartbeat.unset = unset_names(std::span(m_reading.unset).subspan(before));
        judge_secret(table->find("url"), web_url_complaint, "url");
        for (const Member& member : table_of(find_in(table, "tools"))) {
            if (std::find(k_tools.begin(), k_tools.end(), member.key) == k_tools.end()) {
                unknown(k_unknown_tool, member.key, member.key_position, k_tools);
            }
        }
        read_jobs(table->find("job"));
    }

    void read_jobs(const Node* jobs) {
        if (jobs == nullptr || detail::expect_table(*jobs, say(k_jobs_words), m_reading) == nullptr) {
            return;
        }
        for (const Member& member : table_of(jobs)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) == nullptr) {
                continue;
            }
            JobSettings& job = m_config.heartbeat.jobs[member.key];
            const std::size_t before = m_reading.unset.size();
            const Target target{&job_schema(), &job};
            read_table(table, {&target, 1}, m_reading);
            job.unset = unset_names(std::span(m_reading.unset).subspan(before));
            judge_secret(table.find("url"), web_url_complaint, "url");
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
        read_section("deploy", deploy_schema(), m_config.deploy);
        constexpr std::array<std::string_view, 1> k_source{"source"};
        read_section("backup", backup_schema(), m_config.backup, k_source);
        read_backup_sources();
        read_section("cleanup", cleanup_schema(), m_config.cleanup);
        read_section("status", status_schema(), m_config.status);
    }

    // ── tables that say with one key what the others are ──

    // What a table is: a check of type http, a recovery that restarts.
    struct Kind {
        std::string_view key; // "type" or "action"
        std::string_view name;
        const SchemaBase* schema = nullptr;
    };
    using Choices = std::span<const KindSchema>;

    // A table's key that says what it is, and what is said of a word there.
    struct KindKey {
        std::string_view key;
        const Phrase& unknown;
    };
    static constexpr KindKey k_type{"type", k_unknown_type};
    static constexpr KindKey k_action{"action", k_unknown_action};
    static constexpr KindKey k_channel_type{"type", k_unknown_channel_type};

    // The kind that the word under `what.key` names. Otherwise that is reported, and so is every key that no kind
    // has (CONTRACT 2).
    std::optional<Kind> read_kind(const Node& table, const KindKey& what, const SchemaBase& common,
                                  Choices choices) {
        const Node* value = table.find(what.key);
        const auto* word = value != nullptr ? value->get<std::string>() : nullptr;
        if (value == nullptr) {
            error(table.position(), say(k_missing_key, what.key));
        } else if (word == nullptr) {
            error(value->position(), say(k_expected_text, value->type_name()));
        } else if (!value->unset().empty()) {
            detail::is_set(*value, m_reading);
        } else if (const std::optional<Kind> kind = find_kind(what.key, *word, choices)) {
            return kind;
        } else {
            unknown(what.unknown, as_written(*value), value->position(), names_of(choices));
        }
        report_keys_of_no_kind(table, what.key, common, choices);
        return std::nullopt;
    }

    static std::optional<Kind> find_kind(std::string_view key, std::string_view word, Choices choices) {
        for (const KindSchema& each : choices) {
            if (each.name == word) {
                return Kind{key, each.name, each.schema};
            }
        }
        return std::nullopt;
    }

    static std::vector<std::string_view> names_of(Choices choices) {
        std::vector<std::string_view> names;
        for (const KindSchema& each : choices) {
            names.push_back(each.name);
        }
        return names;
    }

    void report_keys_of_no_kind(const Node& table, std::string_view kind_key, const SchemaBase& common,
                                Choices choices) {
        std::vector<std::string_view> keys{kind_key};
        const auto add = [&](const SchemaBase& schema) {
            for (const RowHead& row : schema.heads()) {
                keys.push_back(row.name);
            }
        };
        add(common);
        for (const KindSchema& each : choices) {
            add(*each.schema);
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
        const std::optional<Kind> kind = read_kind(table, k_type, check_common_schema(), m_kinds.checks);
        if (!kind) {
            return std::nullopt;
        }
        CheckSettings check;
        check.name = name;
        check.type = kind->name;
        check.position = table.position();
        const std::shared_ptr<void> settings = kind->schema->make();
        check.unset = read_part(
            table, {{{&check_common_schema(), &check.common}, {kind->schema, settings.get()}}}, *kind);
        check.settings = settings;
        // What is said in the daily summary wakes nobody unless that is asked for.
        if (check.type == k_growth && table.member("severity") == nullptr) {
            check.common.severity = Severity::info;
        }
        const Member* clear = table.member("clear");
        if (clear != nullptr && check.common.clear != Thresholds{}) { // else it is the type's own key
            warn(clear->key_position, say(k_nothing_to_clear, check.type));
        }
        return check;
    }

    // Reads a part that is disabled as a whole by a variable that is not set; returns those.
    std::vector<std::string> read_part(const Node& table, std::vector<Target> targets, const Kind& kind) {
        const std::size_t before = m_reading.unset.size();
        read_table(table, targets, m_reading, {&kind.key, 1});
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
        const std::optional<Kind> kind = read_kind(table, k_action, rung_common_schema(), m_kinds.actions);
        if (!kind) {
            return;
        }
        RungSettings rung;
        rung.action = kind->name;
        rung.position = table.position();
        const std::shared_ptr<void> settings = kind->schema->make();
        rung.unset =
            read_part(table, {{{&rung_common_schema(), &rung}, {kind->schema, settings.get()}}}, *kind);
        rung.settings = settings;
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
        const std::optional<Kind> kind = read_kind(table, k_channel_type, nothing_common(), channel_types());
        if (!kind) {
            return;
        }
        ChannelSettings channel;
        channel.name = name;
        channel.own = default_channel(kind->name);
        void* own = std::visit([](auto& settings) -> void* { return &settings; }, channel.own);
        channel.unset = read_part(table, {{kind->schema, own}}, *kind);
        if (channel.as<TelegramChannel>() != nullptr) {
            judge_secret(table.find("token"), token_complaint, "token");
        }
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
        for (const Member& member : table_of(sources)) {
            detail::not_a_name(member, m_reading);
            const Node& table = member.value.front();
            if (detail::expect_table(table, say(detail::k_table), m_reading) != nullptr) {
                read_backup_source(member.key, table);
            }
        }
    }

    void read_backup_source(const std::string& name, const Node& table) {
        const std::optional<Kind> kind = read_kind(table, k_type, backup_common_schema(), backup_types());
        if (!kind) {
            return;
        }
        BackupSource source;
        source.name = name;
        source.type = kind->name;
        const std::shared_ptr<void> own = kind->schema->make();
        source.unset =
            read_part(table, {{&backup_common_schema(), &source}, {kind->schema, own.get()}}, *kind);
        if (kind->schema == &sqlite_source_schema()) {
            source.sqlite = *static_cast<const SqliteSource*>(own.get());
        } else if (kind->schema == &files_source_schema()) {
            source.files = *static_cast<const FilesSource*>(own.get());
            source.restic = m_config.backup.restic;
        } else if (kind->schema == &postgres_source_schema()) {
            source.postgres = *static_cast<const PostgresSource*>(own.get());
        } else if (kind->schema == &redis_source_schema()) {
            source.redis = *static_cast<const RedisSource*>(own.get());
        } else if (kind->schema == &exec_source_schema()) {
            source.exec = *static_cast<const ExecSource*>(own.get());
        }
        m_config.backup.sources.push_back(std::move(source));
    }

    static const SchemaBase& nothing_common() {
        static const Schema<NotYet> schema{};
        return schema;
    }

    // ── names that refer to something ──

    void check_references() {
        const Node* health = m_root.find("health");
        const Names checks = names_in(find_in(health, "check"));
        for (const char* tool : {"health", "deepcheck"}) {
            check_needs(tool, find_in(m_root.find(tool), "check"));
            check_growth(find_in(m_root.find(tool), "check"));
        }
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
        Names names = names_of_items(find_in(smoke, "step"));
        for (const std::string& login : logins) {
            names.insert(check_of_login(login));
        }
        Names seen;
        for (const std::string& login : logins) {
            seen.insert(check_of_login(login));
            const Node* table = find_in(find_in(smoke, "login"), login);
            check_known(mentions(find_in(table, "needs")), names, k_unknown_step);
            check_named_once(find_in(table, "needs"));
        }
        check_roles(find_in(find_in(smoke, "users"), "roles"), logins);
        Names known = logins; // with those that were told: of a header mistyped once each step would tell
        for (const Node& step : array_of(find_in(smoke, "step"))) {
            for (const Mention& name : mention(step.find("as"))) {
                if (known.insert(name.text).second) {
                    check_known({name}, logins, k_unknown_login);
                }
            }
            check_known(mentions(step.find("needs")), names, k_unknown_step);
            check_named_once(step.find("needs"));
            check_unique(step, seen, k_second_step);
            for (const Mention& name : mention(step.find("name"))) {
                if (name.text == k_connection_check) {
                    error(name.position, say(k_name_of_connection, k_connection_check));
                }
            }
        }
        check_values();
        check_round_of_steps();
    }

    // A slip of the hand leaves a login without its role. The role of a login that is not there at all sets nothing:
    // those of a profile that was cut down.
    void check_roles(const Node* roles, const Names& logins) {
        const std::vector<std::string_view> known(logins.begin(), logins.end());
        for (const Member& role : table_of(roles)) {
            if (logins.contains(role.key)) {
                continue;
            }
            if (nearest(role.key, known)) {
                unknown(k_unknown_login, role.key, role.key_position, known);
            } else {
                warn(role.key_position, say(k_role_of_nobody, clean_line(role.key)));
            }
        }
    }

    // The table of each step that was read.
    [[nodiscard]] std::vector<const Node*> step_tables() const {
        std::vector<const Node*> tables;
        for (const Node& table : array_of(find_in(m_root.find("smoke"), "step"))) {
            if (table.get<Node::Table>() != nullptr) {
                tables.push_back(&table);
            }
        }
        return tables;
    }

    // A value that no step saves would let those that use it be skipped for ever; two that save the same would leave
    // it to chance which is used.
    void check_values() {
        const std::vector<const Node*> tables = step_tables();
        Names saved;
        for (const Node* table : tables) {
            for (const Member& value : table_of(table->find("save"))) {
                if (!saved.insert(value.key).second) {
                    error(value.key_position, say(k_second_value, clean_line(value.key)));
                }
            }
        }
        const std::vector<std::string_view> known(saved.begin(), saved.end());
        for (std::size_t i = 0; i < tables.size(); ++i) {
            for (const UsedValue& used : values_used(m_config.smoke.steps[i])) {
                const Node* where = tables[i]->find(used.key);
                if (!saved.contains(used.name) && where != nullptr) {
                    unknown(k_unknown_value, used.name, where->position(), known);
                }
            }
        }
    }

    void check_round_of_steps() {
        const std::map<std::string, StepOrder> orders = order_of(m_config.smoke);
        Needs needs;
        for (const auto& [name, order] : orders) {
            needs[name] = order.needs;
            needs[name].insert(needs[name].end(), order.after.begin(), order.after.end());
        }
        const auto complain = [&](const std::string& name, Position position) {
            if (const std::optional<std::string_view> last = way_back(name, needs)) {
                error(position, *last == name ? say(k_needs_itself, clean_line(name))
                                              : say(k_needs_itself_by, clean_line(name), clean_line(*last)));
            }
        };
        for (const LoginSettings& login : m_config.smoke.logins) {
            complain(check_of_login(login.name), login.position);
        }
        for (const StepSettings& step : m_config.smoke.steps) {
            complain(step.name, step.position);
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

    // check:NAME of `growth` is a check of the same tool that measures a database.
    void check_growth(const Node* checks) {
        const Names known = names_in(checks);
        for (const Member& member : table_of(checks)) {
            const Node& table = member.value.front();
            if (!has_type(table, {k_growth})) {
                continue;
            }
            for (const Mention& of : mentions(find_in(&table, "of"))) {
                constexpr std::string_view k_check = "check:";
                if (!of.text.starts_with(k_check)) {
                    continue;
                }
                const std::string name = of.text.substr(k_check.size());
                check_known({{name, name, of.position}}, known, k_unknown_check);
                if (known.contains(name) && !has_type(*checks->find(name), {"sqlite", "postgres"})) {
                    error(of.position, say(k_no_database_check, clean_line(name)));
                }
            }
        }
    }

    static bool has_type(const Node& table, std::initializer_list<std::string_view> types) {
        const Node* type = find_in(&table, "type");
        const auto* word = type != nullptr ? type->get<std::string>() : nullptr;
        return word != nullptr && std::find(types.begin(), types.end(), *word) != types.end();
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

    // The healer acts on what is critical (CONTRACT 14), and `severity` caps that (CONTRACT 11). A warning: for the watch
    // nothing is missing.
    void warn_of_idle_rungs() {
        const auto can_be_critical = [&](const Mention& name) {
            const auto& checks = m_config.health.checks;
            const auto found = std::find_if(checks.begin(), checks.end(), [&](const CheckSettings& check) {
                return check.name == name.text;
            });
            return found == checks.end() || found->common.severity == Severity::critical;
        };
        for (const Node& rung : array_of(find_in(m_root.find("health"), "recovery"))) {
            const std::vector<Mention> when = mentions(rung.find("when"));
            if (!when.empty() && std::none_of(when.begin(), when.end(), can_be_critical)) {
                warn(when.front().position, say(k_idle_rung));
            }
        }
    }

    // What takes longer than its run is cut off by it, and never told as what it is.
    void check_timeouts() {
        check_timeouts_of_checks("health", m_config.health.deadline);
        check_timeouts_of_checks("deepcheck", m_config.deepcheck.deadline);
        for (const Node& rung : array_of(find_in(m_root.find("health"), "recovery"))) {
            check_timeout(rung.find("timeout"), m_config.health.deadline, "health");
        }
        const Node* smoke = m_root.find("smoke");
        const Duration smoke_deadline = m_config.smoke.deadline;
        check_timeout(find_in(smoke, "timeout"), smoke_deadline, "smoke");
        for (const Member& login : table_of(find_in(smoke, "login"))) {
            check_timeout(login.value.front().find("timeout"), smoke_deadline, "smoke");
        }
        for (const Node& step : array_of(find_in(smoke, "step"))) {
            check_timeout(step.find("timeout"), smoke_deadline, "smoke");
        }
    }

    void check_timeouts_of_checks(std::string_view tool, Duration deadline) {
        for (const Member& check : table_of(find_in(m_root.find(tool), "check"))) {
            check_timeout(check.value.front().find("timeout"), time_to_look(deadline), tool,
                          k_too_long_to_look);
        }
    }

    void check_timeout(const Node* timeout, Duration most, std::string_view tool,
                       const Phrase& words = k_too_long) {
        const std::optional<Duration> read = duration_of(timeout);
        if (read && *read > most && !is_told(timeout->position())) {
            error(timeout->position(), say(words, detail::default_words(most), tool));
        }
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
        note_what_is_off();
        for (const ChannelSettings& channel : m_config.channels) {
            if (!channel.unset.empty()) {
                note(say(k_channel_off, channel.name, words_of(channel.unset)), channel.unset);
            }
        }
        for (const BackupSource& source : m_config.backup.sources) {
            if (!source.unset.empty()) {
                note(say(k_source_off, source.name, words_of(source.unset)), source.unset);
                m_config.notes.back().tool = "backup";
            }
        }
        if (!m_defaulted.empty()) {
            note(say(k_default_used, words_of(m_defaulted)), m_defaulted);
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
        const bool nothing_on = std::none_of(checks.begin(), checks.end(),
                                             [](const CheckSettings& check) { return check.common.enabled; });
        if (nothing_on && !checks.empty()) {
            warn(checks.front().position, say(k_nothing_on));
            m_config.notes.push_back({say(k_nothing_on), say(k_switch_on), {}});
        }
    }

    // What one tool does without for want of variables: told once, and by that tool alone.
    struct WhatIsOff {
        Text one;  // of the only one: "check disk is off: variable A is not set"
        Text each; // "check disk, check page"
        std::vector<std::string> unset;
        int count = 0;
    };

    void note_what_is_off() {
        WhatIsOff health, smoke, deepcheck;
        for (const CheckSettings& check : m_config.health.checks) {
            add_off(health, {k_check_off, k_check_word}, check.name, check.unset);
        }
        for (const RungSettings& rung : m_config.health.recovery) {
            add_off(health, {k_rung_off, k_rung_word}, rung.name, rung.unset);
        }
        for (const LoginSettings& login : m_config.smoke.logins) {
            add_off(smoke, {k_login_off, k_login_word}, login.name, login.unset);
        }
        const bool mends_users = !smoke.unset.empty() && m_config.smoke.users.has_value();
        for (const StepSettings& step : m_config.smoke.steps) {
            add_off(smoke, {k_step_off, k_step_word}, step.name, step.unset);
        }
        for (const CheckSettings& check : m_config.deepcheck.checks) {
            add_off(deepcheck, {k_check_off, k_check_word}, check.name, check.unset);
        }
        note_off(health, "health");
        note_off(smoke, "smoke");
        if (mends_users) {
            Text& hint = m_config.notes.back().hint;
            hint = say(k_users_set_it, hint);
        }
        note_off(deepcheck, "deepcheck");
    }

    struct OffWords {
        const Phrase& alone; // "check {} is off: {}"
        const Phrase& named; // "check {}"
    };
    void add_off(WhatIsOff& off, const OffWords& words, const std::string& name,
                 const std::vector<std::string>& unset) const {
        if (unset.empty()) {
            return;
        }
        off.one = say(words.alone, name, words_of(unset));
        off.each = join(", ", {off.each, say(words.named, name)});
        ++off.count;
        for (const std::string& variable : unset) {
            if (std::find(off.unset.begin(), off.unset.end(), variable) == off.unset.end()) {
                off.unset.push_back(variable);
            }
        }
    }

    void note_off(const WhatIsOff& off, std::string_view tool) {
        if (off.count > 0) {
            note(off.count == 1 ? off.one : say(k_several_off, words_of(off.unset), off.each), off.unset);
            m_config.notes.back().tool = tool;
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
            {std::move(message), say(remedy, m_config.paths.env_file.string()), std::move(not_set), {}});
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
                      std::string_view header) {
    for (const KindSchema& each : all) {
        sections.push_back(
            {fmt::format("{} = \"{}\"", header, each.name), std::string(each.help), each.schema});
    }
}

} // namespace

Config read_config(const Node& root, const Kinds& kinds, Problems& problems, const WrongVariables& wrong) {
    return Reader(root, kinds, problems, wrong).read();
}

std::string_view ChannelSettings::type() const {
    return std::visit([](const auto& settings) { return settings.k_type; }, own);
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
    add_alternatives(sections, kinds.checks, "[health.check.NAME] type");
    sections.push_back({"[[health.recovery]]",
                        "what every rung of the ladder knows, beside `action`; tried top to bottom",
                        &rung_common_schema()});
    add_alternatives(sections, kinds.actions, "[[health.recovery]] action");
    sections.push_back({"[smoke]", "lectio-smoke, every 5 minutes", &smoke_schema()});
    sections.push_back({"[smoke.login.NAME]",
                        "who the steps are done as, beside what every check knows; in reports login-NAME",
                        &smoke_login_schema()});
    sections.push_back(
        {"[[smoke.step]]", "what is asked, beside what every check knows", &smoke_step_schema()});
    sections.push_back({"[deepcheck]",
                        "lectio-deepcheck, hourly; its checks are those of health, under"
                        " [deepcheck.check.NAME]",
                        &deepcheck_schema()});
    sections.push_back({"[alerts]", "when and how often is told", &alerts_schema()});
    add_alternatives(sections, channel_types(), "[channel.NAME] type");
    sections.push_back(
        {"[[route]]", "first match wins; no route: every channel gets everything", &route_schema()});
    sections.push_back({"[heartbeat]", "dead-man's ping over the whole suite", &heartbeat_schema()});
    sections.push_back({"[heartbeat.job.NAME]",
                        "a job of cron's that is watched: lectio-heartbeat run NAME -- COMMAND",
                        &job_schema()});
    sections.push_back({"[deploy]", "lectio-deploy: releases and their gates", &deploy_schema()});
    sections.push_back({"[backup]", "lectio-backup", &backup_schema()});
    sections.push_back(
        {"[backup.source.NAME]", "what every source knows, beside `type`", &backup_common_schema()});
    add_alternatives(sections, backup_types(), "[backup.source.NAME] type");
    sections.push_back({"[cleanup]", "lectio-cleanup, hourly", &cleanup_schema()});
    sections.push_back({"[history]", "what is kept of each run", &history_schema()});
    sections.push_back({"[status]", "one page of how things stand", &status_schema()});
    return sections;
}

} // namespace lectio

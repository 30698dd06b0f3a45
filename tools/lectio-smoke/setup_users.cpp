#include "setup_users.h"

#include "checks/django.h"
#include "cli/known_kinds.h"
#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "config/edit.h"
#include "config/load.h"
#include "pipeline/pipeline.h"
#include "platform/clock.h"
#include "platform/environment.h"
#include "platform/host.h"
#include "platform/processes.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "report/report.h"
#include "smoke/judge_login.h"
#include "util/json_members.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"
#include "words/error_words.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::smoke {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

constexpr Duration k_longest = 120s; // a Django project that is cold starts slowly
constexpr Duration k_whole_command = 180s;
constexpr std::size_t k_shown_error = 400;

// Run by manage.py shell, in the site's own Django. What to do comes on standard input, never in the arguments, which
// anybody can read; what was done goes out as the last line.
constexpr std::string_view k_script = R"(
import json, sys
from django.contrib.auth import get_user_model
from django.db import transaction

User = get_user_model()
names = {field.name for field in User._meta.get_fields()}
key = "email" if "email" in names else User.USERNAME_FIELD

class NoSuchRole(Exception):
    pass

def mend(wanted):
    did = []
    user = User._default_manager.filter(**{key + "__iexact": wanted["account"]}).first()
    if user is None:
        user = User(**{key: wanted["account"]})
        if "username" in names and not user.username:
            user.username = wanted["account"]
        did.append("created")
    elif getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        raise PermissionError("belongs to the staff of the site; a test account must not, and is not made of one")
    if not user.is_active:
        user.is_active = True
        did.append("active")
    if not user.check_password(wanted["password"]):
        user.set_password(wanted["password"])
        did.append("password")
    if wanted.get("role") and "role" in names and user.role != wanted["role"]:
        choices = [value for value, label in User._meta.get_field("role").flatchoices]
        if choices and wanted["role"] not in choices:
            raise NoSuchRole(", ".join(str(value) for value in choices))
        user.role = wanted["role"]
        did.append("role")
    if did and wanted["change"]:
        user.save()
    return did

results = []
for wanted in json.load(sys.stdin):
    try:
        with transaction.atomic():
            results.append({"login": wanted["login"], "did": mend(wanted)})
    except NoSuchRole as error:
        results.append({"login": wanted["login"], "roles": str(error)})
    except Exception as error:
        results.append({"login": wanted["login"], "error": type(error).__name__ + ": " + str(error)})
print()
print(json.dumps({"lectio_smoke_users": results}))
)";

constexpr Phrase k_not_set_up{
    "[smoke.users] is missing in {}: it names manage.py of the site, its python and its user",
    "в {} нет [smoke.users]: там указывают manage.py сайта, его python и пользователя"};
constexpr Phrase k_no_logins{"no [smoke.login.NAME] in {} names an account and a password",
                             "ни один [smoke.login.ИМЯ] в {} не называет учётную запись и пароль"};
constexpr Phrase k_wrong{"the configuration is wrong: {}", "ошибка в настройках: {}"};
constexpr Phrase k_password_made{"{}: a password was made up and written to {}",
                                 "{}: пароль придуман и записан в {}"};
constexpr Phrase k_password_would{"{}: a password would be made up and written to {}",
                                  "{}: пароль был бы придуман и записан в {}"};
constexpr Phrase k_not_written{"{} could not be written: {}", "не удалось записать {}: {}"};
constexpr Phrase k_other_variables{"login {} needs variables that are no password: {}",
                                   "входу {} нужны переменные, которые не пароль: {}"};
constexpr Phrase k_not_started{"{} could not be started: {}", "не удалось запустить {}: {}"};
constexpr Phrase k_too_long{"{} did not end within {}", "{} не закончил работу за {}"};
constexpr Phrase k_failed{"{} failed: {}", "сбой {}: {}"};
constexpr Phrase k_as_should{"{} ({}): is as it should be", "{} ({}): всё как надо"};
constexpr Phrase k_done{"{} ({}): {}", "{} ({}): {}"};
constexpr Phrase k_user_failed{"{} ({}): failed: {}", "{} ({}): не получилось: {}"};
constexpr Phrase k_no_such_role{
    "{} ({}): nothing was changed: the model of users has no role “{}”, only {}; correct [smoke.users] roles",
    "{} ({}): ничего не изменено: у модели пользователя нет роли «{}», есть {}; исправьте roles в "
    "[smoke.users]"};
constexpr Phrase k_names_none{"{}: names no account or no password, and is left alone",
                              "{}: не назван пользователь или пароль, оставлен как есть"};
constexpr Phrase k_easily_guessed{
    "{}: what it logs in with is easily guessed; remove it from {}, and this command makes up another",
    "{}: то, с чем он входит, легко угадать; уберите это из {}, и эта команда придумает другое"};
constexpr Phrase k_readable{"{} can be read by others, and holds passwords now; run: chmod 600 {}",
                            "{} могут читать посторонние, а в нём теперь пароли; выполните: chmod 600 {}"};
constexpr Phrase k_no_manage{"there is no {}: correct [smoke.users] manage in {}",
                             "нет {}: исправьте manage в [smoke.users] в {}"};
constexpr Phrase k_not_told{"{} ({}): manage.py has not said what became of it",
                            "{} ({}): manage.py не сказал, что с ней сделано"};
constexpr Phrase k_created{"created", "создана"};
constexpr Phrase k_activated{"switched on", "включена"};
constexpr Phrase k_password_set{"password set", "пароль задан"};
constexpr Phrase k_role_set{"role set", "роль задана"};
constexpr Phrase k_would{"would do: {}", "было бы сделано: {}"};

// 24 letters and digits that nobody confuses: 119 bits.
std::string made_up_password() {
    constexpr std::string_view k_letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    std::random_device entropy; // getrandom(2)
    std::uniform_int_distribution<std::size_t> letter(0, k_letters.size() - 1);
    std::string password;
    for (int i = 0; i < 24; ++i) {
        password += k_letters[letter(entropy)];
    }
    return password;
}

bool names_password(std::string_view variable) {
    return contains_ignoring_case(variable, "PASSWORD") || contains_ignoring_case(variable, "PASSWD");
}

// The password that a login sends; empty: it names none.
std::string password_of(const LoginSettings& login) {
    for (const auto& [key, value] : login.form) {
        if (contains_ignoring_case(key, "pass")) {
            return value;
        }
    }
    const Json json = Json::parse(login.json.text, nullptr, false);
    if (!json.is_object()) {
        return "";
    }
    for (const auto& [key, value] : json.items()) {
        if (contains_ignoring_case(key, "pass") && value.is_string()) {
            return text_of(json, key.c_str());
        }
    }
    return "";
}

Text deed_words(const std::string& deed) {
    return deed == "created"    ? say(k_created)
           : deed == "active"   ? say(k_activated)
           : deed == "password" ? say(k_password_set)
           : deed == "role"     ? say(k_role_set)
                                : verbatim(clean_line(deed));
}

class Setup {
  public:
    Setup(const Options& options, World world) : m_common(options.common), m_world(world) {}

    int run() {
        end_process_after(k_whole_command);
        load();
        if (!m_loaded.ok()) {
            const ExitCode code = m_loaded.needs_rights ? ExitCode::rights : ExitCode::configuration;
            return leave(code, say(k_wrong, trim_both(problem_lines(m_loaded))));
        }
        if (!m_loaded.config.smoke.users) {
            return leave(ExitCode::configuration, say(k_not_set_up, m_loaded.file));
        }
        if (const Path& manage = m_loaded.config.smoke.users->manage; is_missing(manage)) {
            return leave(ExitCode::configuration, say(k_no_manage, manage.string(), m_loaded.file));
        }
        // Before anything is written: a password that nobody was given is of no use.
        if (const Result<std::string> user = other_user(*m_loaded.config.smoke.users); !user) {
            return not_started(user.error());
        }
        if (!m_common.dry_run) { // two at once would make up a password each
            Result<RunLock> lock =
                lock_run(m_world, m_loaded.config.paths.run, "lectio-smoke setup-users", "smoke-users");
            if (!lock) {
                return leave(exit_code(lock.error()), error_words(lock.error().message));
            }
            m_lock = std::move(*lock);
        }
        if (const std::optional<int> left = make_passwords()) {
            return *left;
        }
        return mend_users();
    }

  private:
    void load() {
        ConfigRequest request;
        request.file = m_common.config;
        request.environment = environment_variable;
        request.kinds = known_kinds();
        m_loaded = load_config(m_world, request, LastGood::never);
    }

    [[nodiscard]] bool is_missing(const Path& file) const {
        const Result<FileInfo> info = m_world.files.info(file, Files::Follow::yes);
        return !info && info.error().kind == ErrorKind::not_found;
    }

    static Text trim_both(const Text& text) {
        return {std::string(trim(text.en)), std::string(trim(text.ru))};
    }

    // ── passwords that are set nowhere ──

    std::optional<int> make_passwords() {
        std::map<std::string, std::string> fresh;
        for (const LoginSettings& login : m_loaded.config.smoke.logins) {
            for (const std::string& variable : login.unset) {
                if (!names_password(variable)) {
                    return leave(ExitCode::configuration, say(k_other_variables, login.name, variable));
                }
                fresh[variable] = made_up_password();
            }
        }
        const std::string file = m_loaded.config.paths.env_file.string();
        for (const auto& [variable, password] : fresh) {
            tell(say(m_common.dry_run ? k_password_would : k_password_made, variable, file));
        }
        if (fresh.empty() || m_common.dry_run) {
            return std::nullopt;
        }
        const Result<void> written = set_variables(m_world.files, file, fresh);
        if (!written) {
            m_said = {};
            return leave(exit_code(written.error()),
                         say(k_not_written, file, error_words(written.error().message)));
        }
        const Result<FileInfo> info = m_world.files.info(file, Files::Follow::yes);
        if (info && (info->mode & 0044U) != 0) {
            tell(say(k_readable, file, file));
        }
        load(); // as every tool reads it
        return std::nullopt;
    }

    // ── the accounts ──

    [[nodiscard]] Json wanted() {
        const SmokeSettings& smoke = m_loaded.config.smoke;
        Json list = Json::array();
        for (const LoginSettings& login : smoke.logins) {
            const std::string account = account_of(login);
            const std::string password = password_of(login);
            if (account.empty() || password.empty() || !login.unset.empty()) {
                if (login.unset.empty()) { // what is unset has been told
                    tell(say(k_names_none, login.name));
                }
                continue;
            }
            remember_secret(password);
            if (is_easily_guessed(password)) {
                tell(say(k_easily_guessed, login.name, m_loaded.config.paths.env_file.string()));
            }
            const auto role = smoke.users->roles.find(login.name);
            list.push_back({{"login", login.name},
                            {"account", account},
                            {"password", password},
                            {"role", role == smoke.users->roles.end() ? "" : role->second},
                            {"change", !m_common.dry_run}});
        }
        return list;
    }

    int mend_users() {
        const Json list = wanted();
        if (list.empty()) {
            return m_common.dry_run && !m_said.empty()
                       ? finish(ExitCode::ok)
                       : leave(ExitCode::configuration, say(k_no_logins, m_loaded.file));
        }
        const Result<ProcessRequest> request = manage_request(list);
        const Result<ProcessAnswer> answer =
            request ? m_world.processes.run(*request) : Result<ProcessAnswer>(request.error());
        if (!answer) {
            return not_started(answer.error());
        }
        const std::string program = m_loaded.config.smoke.users->manage.string();
        if (answer->timed_out) {
            return leave(ExitCode::critical, say(k_too_long, program, format_duration(k_longest)));
        }
        const std::optional<Json> results = results_in(answer->out);
        if (!results) {
            return leave(ExitCode::critical, say(k_failed, program, last_words(*answer)));
        }
        return tell_results(*results, list);
    }

    int not_started(const Error& why) {
        const ExitCode code = why.kind == ErrorKind::invalid ? ExitCode::configuration : exit_code(why);
        return leave(
            code, say(k_not_started, m_loaded.config.smoke.users->manage.string(), error_words(why.message)));
    }

    [[nodiscard]] Result<ProcessRequest> manage_request(const Json& list) const {
        const SmokeUsers& users = *m_loaded.config.smoke.users;
        ProcessRequest request;
        const std::string python = users.python.empty() ? "python3" : users.python.string();
        request.command = {python, users.manage.string(), "shell", "-c", std::string(k_script)};
        const Result<std::string> user = other_user(users);
        LECTIO_TRY(user);
        request.user = *user;
        request.folder = users.manage.parent_path().string();
        request.input = list.dump(-1, ' ', false, Json::error_handler_t::replace);
        request.timeout = k_longest;
        return request;
    }

    // Whose the application is; empty: we are that.
    [[nodiscard]] Result<std::string> other_user(const SmokeUsers& users) const {
        std::string name = users.user;
        if (name.empty()) {
            const Result<std::string> owner = user_of_manage(m_world.files, users.manage);
            LECTIO_TRY(owner);
            name = *owner;
        }
        const Result<User> us = find_user(effective_user());
        return us && us->name == name ? std::string() : name;
    }

    static std::optional<Json> results_in(const std::string& out) {
        for (const std::string_view line : split_lines(out)) {
            const Json json = Json::parse(line, nullptr, false);
            if (json.is_object() && json.contains("lectio_smoke_users") &&
                json["lectio_smoke_users"].is_array()) {
                return json["lectio_smoke_users"];
            }
        }
        return std::nullopt;
    }

    // The last line of a traceback says what it was about.
    static std::string last_words(const ProcessAnswer& answer) {
        const std::string_view said = trim(answer.err.empty() ? answer.out : answer.err);
        const std::vector<std::string_view> lines = split_lines(said);
        return lines.empty() ? fmt::format("exit status {}", answer.exit_status.value_or(-1))
                             : shorten(redact(clean_line(lines.back())), k_shown_error);
    }

    int tell_results(const Json& results, const Json& list) {
        bool good = true;
        for (const Json& asked : list) { // each of them, whatever else was said
            const std::string login = text_of(asked, "login"), account = text_of(asked, "account");
            const auto said = std::find_if(results.begin(), results.end(), [&](const Json& each) {
                return each.is_object() && text_of(each, "login") == login;
            });
            if (said == results.end() || !says_what_was_done(*said)) {
                good = false;
                tell(say(k_not_told, login, account));
                continue;
            }
            const Json& result = *said;
            if (result.contains("roles")) {
                good = false;
                tell(say(k_no_such_role, login, account, text_of(asked, "role"),
                         shorten(clean_line(text_of(result, "roles")), k_shown_error)));
                continue;
            }
            if (result.contains("error")) {
                good = false;
                tell(say(k_user_failed, login, account,
                         shorten(redact(clean_line(text_of(result, "error"))), k_shown_error)));
                continue;
            }
            const Text did = deeds_of(result);
            tell(did.empty() ? say(k_as_should, login, account)
                             : say(k_done, login, account, m_common.dry_run ? say(k_would, did) : did));
        }
        return finish(good ? ExitCode::ok : ExitCode::critical);
    }

    static bool says_what_was_done(const Json& result) {
        const auto did = result.find("did");
        const bool lists_deeds =
            did != result.end() && did->is_array() &&
            std::all_of(did->begin(), did->end(), [](const Json& deed) { return deed.is_string(); });
        return lists_deeds || !text_of(result, "error").empty() || !text_of(result, "roles").empty();
    }

    static Text deeds_of(const Json& result) {
        Text words;
        for (const Json& deed : result["did"]) {
            words = join(", ", {words, deed_words(deed.get<std::string>())});
        }
        return words;
    }

    // ── saying it ──

    void tell(Text line) { m_said.push_back(std::move(line)); }

    [[nodiscard]] Lang lang() const { return m_loaded.config.lang; }

    int finish(ExitCode code) {
        std::string text;
        if (m_common.format == Format::json) {
            Json json{{"tool", "lectio-smoke"},
                      {"version", k_version},
                      {"host", host()},
                      {"time", format_utc(m_world.clock.now().wall)},
                      {"exit_code", static_cast<int>(code)},
                      {"users", Json::array()}};
            for (const Text& line : m_said) {
                json["users"].push_back(redact(clean_line(line.in(lang()))));
            }
            text = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
        } else {
            for (const Text& line : m_said) {
                text += redact(clean_line(line.in(lang()))) + "\n";
            }
        }
        return print_or_say_why("lectio-smoke", lang(), m_common.format, text, static_cast<int>(code));
    }

    int leave(ExitCode code, const Text& why) {
        const Text words = code == ExitCode::rights ? say(k_needs_rights, why) : why;
        complain(fmt::format("lectio-smoke: {}\n", redact(clean(words.in(lang())))));
        if (m_common.format == Format::json) {
            return print_or_say_why("lectio-smoke", lang(), m_common.format,
                                    render_json_reason("lectio-smoke", host(), m_world.clock.now().wall,
                                                       static_cast<int>(code), words.in(lang())),
                                    static_cast<int>(code));
        }
        return static_cast<int>(code);
    }

    [[nodiscard]] std::string host() const {
        return m_loaded.config.host.empty() ? m_world.host.hostname() : m_loaded.config.host;
    }

    const CommonOptions& m_common;
    World m_world;
    LoadedConfig m_loaded;
    RunLock m_lock;
    std::vector<Text> m_said;
};

} // namespace

int setup_users(const Options& options, World world) {
    return Setup(options, world).run();
}

} // namespace lectio::smoke

#include "config/legacy_env.h"

#include "config/env_file.h"
#include "config/schema.h"
#include "config/site_path.h"
#include "platform/unit_name.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_from_env{"no config.toml: checks as health_check.sh did, from {}",
                            "config.toml нет: проверки как в health_check.sh, по {}"};
constexpr Phrase k_no_site{"SITE_URL is not set in {}: the site itself is not checked",
                           "SITE_URL не задан в {}: сам сайт не проверяется"};
constexpr Phrase k_left_out{"{} in {} does not fit and is left out", "{} в {} не подходит и не используется"};
constexpr Phrase k_wrong_bot{
    "alerts go through TELEGRAM_BOT_TOKEN: ERRORS_BOT_TOKEN and ERRORS_CHAT_ID are not set",
    "оповещения идут через TELEGRAM_BOT_TOKEN: ERRORS_BOT_TOKEN и ERRORS_CHAT_ID не заданы"};
constexpr Phrase k_set_both{"set both in {}", "задайте оба в {}"};
constexpr Phrase k_write_toml{"write a config.toml, or mend the value",
                              "исправьте значение или напишите config.toml"};

bool is_plain_unit(const std::string& text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                   "0123456789_.@:-") == std::string::npos;
}

// What smoke_check_v2.sh asked for, after its logins. {recording} and the like were not known to it.
constexpr std::string_view k_steps_of_everybody = R"(
[[smoke.step]]
name = "health"
get = "/api/health/"
expect_json = { "/checks/database" = "ok" }
)";
constexpr std::string_view k_bundle_of_page = R"(
[[smoke.step]]
name = "bundle"
get = "{script}"
expect_headers = { Content-Type = "*javascript*" }
)";
constexpr std::string_view k_steps_of_accounts = R"(
[[smoke.step]]
name = "me"
as = "teacher"
get = "/api/me/"
[[smoke.step]]
name = "lessons"
as = "teacher"
get = "/api/schedule/lessons/"
[[smoke.step]]
name = "recordings"
as = "teacher"
get = "/schedule/api/recordings/teacher/"
[[smoke.step]]
name = "homework"
as = "teacher"
get = "/api/homework/"
[[smoke.step]]
name = "groups"
as = "teacher"
get = "/api/groups/"
[[smoke.step]]
name = "subscription"
as = "teacher"
get = "/api/subscription/"
[[smoke.step]]
name = "create-payment"
as = "teacher"
post = "/api/subscription/create-payment/"
json = { plan = "monthly", provider = "tbank" }
status = [200, 201, 400]
severity = "warning"
[[smoke.step]]
name = "student-homework"
as = "student"
get = "/api/homework/"
)";

bool is_web_url(const std::string& text) {
    return text.starts_with("http") && !http_url_complaint(text);
}

// "https://site.example:8443" of "https://site.example:8443/api".
std::string origin_of(const std::string& url) {
    const std::size_t host = url.find("://") + 3;
    return url.substr(0, url.find_first_of("/?#", host));
}

bool is_absolute(const std::string& text) {
    return text.starts_with('/');
}
// Not "/", "/srv" or "/etc": what lies below it gets one mode when the site fails, and our own configuration refuses those.
bool is_place_of_a_site(const std::string& text) {
    return is_absolute(text) && lies_where_sites_do(text);
}

// Builds the text section by section, taking each value only when it fits.
class Builder {
  public:
    Builder(const std::map<std::string, std::string>& values, const Path& env_file,
            const std::function<bool(const Path&)>& is_there)
        : m_values(values), m_env_file(env_file), m_is_there(is_there) {}

    LegacyConfig build() {
        m_made.assumed.push_back(say(k_from_env, m_env_file.string()));
        write_paths();
        write_units();
        write_site();
        write_host();
        write_recovery();
        write_channel();
        write_smoke();
        write_deepcheck();
        write_heartbeat();
        write_deploy();
        write_backup();
        write_cleanup();
        name_unused();
        return std::move(m_made);
    }

  private:
    template<class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        m_made.toml += fmt::format(format, std::forward<Args>(args)...);
        m_made.toml += '\n';
    }

    [[nodiscard]] std::string given(const std::string& name) {
        m_asked.insert(name);
        const auto found = m_values.find(name);
        return found == m_values.end() ? "" : std::string(trim(found->second));
    }

    template<class Fits>
    std::string value(const std::string& name, std::string other, const Fits& fits) {
        std::string text = given(name);
        if (text.empty()) {
            return other;
        }
        if (!fits(text)) {
            leave_out(name);
            return other;
        }
        return text;
    }

    // With a password or a key in it: a reference, to which a path can be added.
    std::string web_address(const std::string& name, const std::string& other) {
        std::string text = value(name, other, is_web_url);
        if (text == other || !holds_secret(name, text)) {
            return text;
        }
        if (text != origin_of(text)) {
            leave_out(name);
            return other;
        }
        return "${" + name + "}";
    }
    static bool is_reference(const std::string& text) { return text.starts_with("${"); }

    int number(const std::string& name, int other, int least, int most) {
        const std::string text = given(name);
        if (text.empty()) {
            return other;
        }
        const auto read = number_from<int>(text);
        if (!read || *read < least || *read > most) {
            leave_out(name);
            return other;
        }
        return *read;
    }

    void leave_out(const std::string& name) {
        if (!m_left_out.insert(name).second) { // asked for in two places
            return;
        }
        m_made.notes.push_back({say(k_left_out, name, m_env_file.string()), say(k_write_toml), {}});
    }

    void write_paths() {
        line("[paths]\nenv_file = {}", toml_quoted(m_env_file.string()));
        if (const std::string logs = value("LOG_DIR", "", is_absolute); !logs.empty()) {
            line("logs = {}", toml_quoted(logs));
        }
    }

    void write_units() {
        m_backend = full_unit_name(value("BACKEND_SERVICE", "teaching_panel", is_plain_unit));
        m_nginx = full_unit_name(value("NGINX_SERVICE", "nginx", is_plain_unit));
        line("[health.check.nginx]\ntype = \"systemd\"\nunit = {}", toml_quoted(m_nginx));
        line("[health.check.backend]\ntype = \"systemd\"\nunit = {}", toml_quoted(m_backend));
    }

    void write_site() {
        const std::string site = web_address("SITE_URL", "");
        m_root = value("PROJECT_ROOT", k_usual_root, is_absolute);
        m_root.erase(m_root.find_last_not_of('/') + 1);
        if (!is_place_of_a_site(m_root + k_build)) {
            leave_out("PROJECT_ROOT");
            m_root = k_usual_root;
        }
        m_build = value("FRONTEND_BUILD", m_root + k_build, is_place_of_a_site);
        m_build.erase(m_build.find_last_not_of('/') + 1); // "/srv/build/"
        if (site.empty()) {
            m_made.assumed.push_back(say(k_no_site, m_env_file.string()));
            return;
        }
        m_site = is_reference(site) ? site : origin_of(site);
        m_slow = number("MAX_RESPONSE_TIME", 5, 1, 60);
        line("[health.check.site]\ntype = \"http\"\nurl = {}\nstatus = 200\nmax_time = \"{}s\"\n"
             "timeout = \"10s\"\nneeds = [\"nginx\"]",
             toml_quoted(site), m_slow);
        line("[health.check.frontend]\ntype = \"frontend\"\nroot = {}\nurl = {}\nreader = \"www-data\"",
             toml_quoted(m_build), toml_quoted(site));
    }

    void write_host() {
        line("[health.check.workers]\ntype = \"process\"\nmatch = 'gunicorn.*teaching_panel'\nmin = 2");
        line("[health.check.disk]\ntype = \"disk\"\npath = \"/\"\nfree = {{ warn = \"{}%\" }}",
             number("MIN_FREE_DISK_PERCENT", 10, 1, 99));
        // memory_alert.sh had limits of its own: only where somebody has set them.
        const int free = number("MIN_FREE_MEMORY_MB", 256, 1, k_most_memory);
        const int warn = std::max(free, number("MEMORY_WARN_MB", free, 1, k_most_memory));
        line("[health.check.memory]\ntype = \"memory\"\navailable = {}",
             thresholds(warn, number("MEMORY_CRITICAL_MB", 0, 1, warn - 1)));
        if (const int swap = number("SWAP_USED_WARN_MB", 0, 1, k_most_memory); swap != 0) {
            line("swap_used = {}",
                 thresholds(swap, number("SWAP_USED_CRITICAL_MB", 0, swap + 1, k_most_memory)));
        }
    }

    static std::string thresholds(int warn, int critical) {
        return critical == 0 ? fmt::format("{{ warn = \"{}MB\" }}", warn)
                             : fmt::format("{{ warn = \"{}MB\", critical = \"{}MB\" }}", warn, critical);
    }

    void write_recovery() {
        const std::string_view site = m_site.empty() ? "" : ", \"site\"";
        if (!m_site.empty()) {
            line("[[health.recovery]]\nname = \"frontend-permissions\"\nwhen = [\"frontend\", \"site\"]\n"
                 "action = \"fix-permissions\"\npath = {}\nowner = \"www-data:www-data\"",
                 toml_quoted(m_build));
            line("[[health.recovery]]\nname = \"frontend-restore\"\nwhen = [\"frontend\", \"site\"]\n"
                 "action = \"restore-frontend\"\npath = {}\nfrom = [{}, {}, {}]",
                 toml_quoted(m_build), toml_quoted(m_build + "_old"), toml_quoted(m_build + "_backup"),
                 toml_quoted(m_build + "_tmp_*"));
        }
        line("[[health.recovery]]\nname = \"backend\"\nwhen = [\"backend\", \"workers\"]\n"
             "action = \"restart\"\nunit = {}",
             toml_quoted(m_backend));
        line("[[health.recovery]]\nname = \"nginx\"\nwhen = [\"nginx\"{}]\naction = \"restart\"\nunit = {}\n"
             "test = [\"nginx\", \"-t\"]",
             site, toml_quoted(m_nginx));
        if (!m_site.empty()) {
            line("[[health.recovery]]\nname = \"backend-last\"\nwhen = [\"site\"]\naction = \"restart\"\n"
                 "unit = {}",
                 toml_quoted(m_backend));
        }
        line("[health.limits]\nattempts = {}\ncooldown = \"{}s\"", number("MAX_RECOVERY_ATTEMPTS", 3, 1, 100),
             number("RECOVERY_COOLDOWN", 300, 10, 86400));
    }

    // Both of a pair or neither: a token with another bot's chat reaches nobody (CONTRACT 4).
    void write_channel() {
        const auto pair = [&](const std::string& token, const std::string& chat) {
            const bool both = !given(token).empty() && !given(chat).empty();
            if (both) {
                line("[channel.errors]\ntype = \"telegram\"\ntoken = \"${{{}}}\"\nchat = \"${{{}}}\"", token,
                     chat);
            }
            return both;
        };
        if (!pair("ERRORS_BOT_TOKEN", "ERRORS_CHAT_ID") && pair("TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID")) {
            m_made.notes.push_back({say(k_wrong_bot), say(k_set_both, m_env_file.string()), {}});
        }
    }

    // lectio-smoke: what smoke_check_v2.sh asked, and the accounts that setup_smoke_users.sh made.
    void write_smoke() {
        if (m_site.empty()) {
            return;
        }
        const std::string given_api = web_address("API_URL", m_site);
        const std::string api = is_reference(given_api) ? given_api : origin_of(given_api);
        line("[smoke]\nbase_url = {}", toml_quoted(api));
        line("[smoke.users]\nmanage = {}\npython = {}\nroles = {{ teacher = \"teacher\", student = "
             "\"student\" }}",
             toml_quoted(m_root + "/teaching_panel/manage.py"), toml_quoted(m_root + "/venv/bin/python"));
        write_login("teacher", "TEACHER");
        write_login("student", "STUDENT");
        line("[[smoke.step]]\nname = \"page\"\nget = {}\nmax_time = \"{}s\"\n"
             "save = {{ script = {{ matches = 'src=\"(/static/js/main\\.[0-9a-f]+\\.js)\"' }} }}",
             toml_quoted(m_site + "/"), m_slow);
        m_made.toml += k_steps_of_everybody;
        m_made.toml += m_site == api ? k_bundle_of_page : "";
        m_made.toml += k_steps_of_accounts;
    }

    void write_login(std::string_view login, std::string_view variable) {
        line("[smoke.login.{0}]\npost = \"/api/jwt/token/\"\ntoken = \"/access\"\nneeds = [\"health\"]\n"
             "json = {{ email = \"${{SMOKE_{1}_EMAIL:-smoke_{0}@test.local}}\", "
             "password = \"${{SMOKE_{1}_PASSWORD}}\" }}",
             login, variable);
    }

    // lectio-deepcheck: what deep_check.sh looked at, by its thresholds.
    void write_deepcheck() {
        constexpr std::string_view k_secure = "https://";
        if (m_site.starts_with(k_secure)) {
            const std::string host = m_site.substr(k_secure.size());
            const bool has_port =
                host.find(':', host.rfind(']') == host.npos ? 0 : host.rfind(']')) != host.npos;
            line("[deepcheck.check.certificate]\ntype = \"tls\"\naddress = {}\n"
                 "expires = {{ warn = \"14d\", critical = \"7d\" }}",
                 toml_quoted(has_port ? host : host + ":443"));
        }
        const std::string project = m_root + "/teaching_panel";
        if (m_is_there(project + "/db.sqlite3")) {
            line("[deepcheck.check.database]\ntype = \"sqlite\"\npath = {}\nsize = {{ warn = \"1000MB\" }}",
                 toml_quoted(project + "/db.sqlite3"));
        }
        line("[deepcheck.check.disk]\ntype = \"disk\"\npath = \"/\"\n"
             "free = {{ warn = \"15%\", critical = \"5%\" }}");
        line("[deepcheck.check.memory]\ntype = \"memory\"\n"
             "available = {{ warn = \"256MB\", critical = \"100MB\" }}");
        line("[deepcheck.check.workers]\ntype = \"process\"\nmatch = 'gunicorn.*teaching_panel'\nmin = 2\n"
             "cpu = {{ warn = \"90%\" }}");
        if (m_is_there("/var/log/nginx/error.log")) { // more than 100 lines in an hour, whatever they say
            line("[deepcheck.check.nginx-errors]\ntype = \"log\"\npath = \"/var/log/nginx/error.log\"\n"
                 "matches = '.'\ncount = {{ warn = 101 }}\nwindow = \"1h\"");
        }
        if (m_is_there(project + "/manage.py")) {
            line("[deepcheck.check.migrations]\ntype = \"django\"\nmanage = {}\npython = {}\n"
                 "severity = \"warning\"",
                 toml_quoted(project + "/manage.py"), toml_quoted(m_root + "/venv/bin/python"));
        }
    }

    // heartbeat.sh asked this, and pinged where it was 200.
    void write_heartbeat() {
        line("[heartbeat]\nurl = \"${{HEARTBEAT_URL:-}}\"");
        if (!m_site.empty()) {
            line("probe = {}", toml_quoted(m_site + "/api/health/"));
        }
    }

    [[nodiscard]] bool has_unit(const std::string& name) const {
        constexpr std::array<const char*, 3> k_folders{"/etc/systemd/system/", "/lib/systemd/system/",
                                                       "/usr/lib/systemd/system/"};
        return std::any_of(k_folders.begin(), k_folders.end(),
                           [&](const char* folder) { return m_is_there(folder + name + ".service"); });
    }

    // deploy_safe.sh took any build that had a page, and the code as git has it.
    void write_deploy() {
        if (m_is_there(m_build)) {
            line("[deploy.frontend]\npath = {}\nrequires = [\"index.html\"]", toml_quoted(m_build));
        }
        if (!is_place_of_a_site(m_root) || !m_is_there(m_root + "/.git") ||
            !m_is_there(m_root + "/teaching_panel/manage.py")) {
            return;
        }
        line(
            "[deploy.backend]\npath = {}\ngit = {{ remote = \"origin\", ref = \"main\" }}\nvenv = \"venv\"\n"
            "install = [\"venv/bin/pip\", \"install\", \"-q\", \"-r\", {}]\n"
            "migrate = [\"venv/bin/python\", \"teaching_panel/manage.py\", \"migrate\", \"--noinput\"]\n"
            "collect = [\"venv/bin/python\", \"teaching_panel/manage.py\", \"collectstatic\", \"--noinput\"]",
            toml_quoted(m_root),
            m_is_there(m_root + "/requirements.txt") ? "\"requirements.txt\""
                                                     : "\"teaching_panel/requirements.txt\"");
        std::string shared;
        for (const char* data :
             {"teaching_panel/db.sqlite3", "teaching_panel/media", "teaching_panel/staticfiles", "media",
              "staticfiles", "backups", "frontend", ".env", "teaching_panel/.env"}) {
            if (m_is_there(m_root + "/" + data)) {
                shared += (shared.empty() ? "" : ", ") + toml_quoted(data);
            }
        }
        std::string units = toml_quoted(m_backend);
        for (const char* celery : {"celery-default", "celery-heavy", "celery-beat", "celery-combined"}) {
            units += has_unit(celery) ? ", " + toml_quoted(full_unit_name(celery)) : "";
        }
        line("shared = [{}]\nunits = [{}]", shared, units);
        if (m_is_there(m_root + "/teaching_panel/db.sqlite3")) {
            line("database = \"sqlite:teaching_panel/db.sqlite3\"");
        }
    }

    // backup_db.sh: nightly, for 30 days. The copy that the runbook names is kept where it is.
    void write_backup() {
        const std::string database = m_root + "/teaching_panel/db.sqlite3";
        if (!m_is_there(database)) {
            return;
        }
        line("[backup]\ndir = \"/var/backups/teaching_panel\"\nkeep = {{ last = 3, daily = 30 }}\n"
             "[backup.source.database]\ntype = \"sqlite\"\npath = {}\nevery = \"24h\"",
             toml_quoted(database));
        const std::string latest =
            value("BACKUP_DIR", m_root + "/backups", is_place_of_a_site) + "/db_latest.sqlite3";
        if (m_is_there(latest)) {
            line("latest = {}", toml_quoted(latest));
        }
    }

    // cleanup_processes.sh.
    void write_cleanup() {
        line("[cleanup]\nkill = [\n"
             "  {{ match = 'npm (install|ci|run)', older = \"30m\", low_memory = {{ available = \"{}MB\", "
             "older = "
             "\"10m\" }} }},\n"
             "  {{ match = 'serve -s', older = \"0s\" }},\n]",
             number("MEMORY_CRITICAL_MB", 250, 1, k_most_memory));
        line("logs = [{{ files = \"/var/log/teaching_panel/*.log\", older = \"7d\" }}]\njournal_max = "
             "\"100MB\"\n"
             "memory_report = \"{}MB\"",
             number("MEMORY_WARN_MB", 400, 1, k_most_memory));
        line("releases = {}", m_made.toml.find("\n[deploy.") != std::string::npos);
    }

    // What the values are used for elsewhere: in the texts above by name, or as the file is read.
    void name_unused() {
        for (const char* elsewhere :
             {"HEARTBEAT_URL", "ALERTS_MUTED", "ALERTS_MUTE_FILE", "ERRORS_BOT_TOKEN", "ERRORS_CHAT_ID",
              "TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID", "SMOKE_TEACHER_EMAIL", "SMOKE_TEACHER_PASSWORD",
              "SMOKE_STUDENT_EMAIL", "SMOKE_STUDENT_PASSWORD"}) {
            m_asked.insert(elsewhere);
        }
        for (const auto& [name, value] : m_values) {
            if (!m_asked.contains(name)) {
                m_made.unused.push_back(name);
            }
        }
    }

    static constexpr int k_most_memory = 1000000; // MB
    static constexpr const char* k_usual_root = "/var/www/teaching_panel";
    static constexpr const char* k_build = "/frontend/build";

    const std::map<std::string, std::string>& m_values;
    const Path& m_env_file;
    const std::function<bool(const Path&)>& m_is_there;
    std::set<std::string> m_asked, m_left_out;
    LegacyConfig m_made;
    std::string m_backend, m_nginx, m_root, m_build;
    std::string m_site; // its origin; empty: not known
    int m_slow = 5;
};

} // namespace

LegacyConfig legacy_config(const std::map<std::string, std::string>& values, const Path& env_file,
                           const std::function<bool(const Path&)>& is_there) {
    return Builder(values, env_file, is_there).build();
}

std::string toml_quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : to_utf8(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out += c;
        }
    }
    return out + "\"";
}

} // namespace lectio

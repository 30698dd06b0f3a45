#include "discovery/annotated.h"

#include "discovery/discover.h"
#include "platform/users.h"
#include "util/text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_written{
    "What lectio-health init found on {} on {}. It is your file now: change what is not so.",
    "Что lectio-health init нашёл на сервере {} {}. Дальше это ваш файл: поправьте, где он неправ."};
constexpr Phrase k_test{
    "Is it right? lectio-health --check-config. All keys: docs/configuration.md.",
    "Всё ли верно — скажет lectio-health --check-config. Все ключи: docs/configuration.md."};
constexpr Phrase k_host{"the name in messages; by default that of the host",
                        "имя в сообщениях; если не задать — имя сервера"};
constexpr Phrase k_env_file{"the secrets: NAME=value, a line each",
                            "секреты: ИМЯ=значение, по одному в строке"};
constexpr Phrase k_checks{"── what is watched, and why ──", "── за чем следим и почему ──"};
constexpr Phrase k_recovery{"── what is mended ──", "── что чинится само ──"};
constexpr Phrase k_off{
    "Nothing yet: to restart a service at night is for you to allow. What suggests itself stands below;\n"
    "it is on where you remove the # in front of its lines, all at once by:\n"
    "  sed -i 's/^#\\([^ ]\\)/\\1/' FILE",
    "Пока ничего: разрешить перезапуск службы ночью можете только вы. Ниже то, что напрашивается;\n"
    "чтобы включить, уберите # в начале строк, или сразу везде:\n"
    "  sed -i 's/^#\\([^ ]\\)/\\1/' ФАЙЛ"};
constexpr Phrase k_permissions{"owner and modes as they are now", "владелец и права — как сейчас"};
constexpr Phrase k_restart{"at most three times in a row, then you are called",
                           "не больше трёх раз подряд, потом зовёт вас"};
constexpr Phrase k_restart_tested{"only when nginx itself finds its configuration good",
                                  "только если сам nginx считает свои настройки верными"};
constexpr Phrase k_databases{"Databases and queues are not restarted: what they were doing would be lost.",
                             "Базы данных и очереди не перезапускаются: пропало бы то, чем они заняты."};
constexpr Phrase k_channel{"── who is told ──", "── кому сообщать ──"};
constexpr Phrase k_secrets{"Put ERRORS_BOT_TOKEN=… and ERRORS_CHAT_ID=… into {} (chmod 600),\n"
                           "then try it: lectio-notify test",
                           "Впишите ERRORS_BOT_TOKEN=… и ERRORS_CHAT_ID=… в {} (chmod 600)\n"
                           "и проверьте: lectio-notify test"};

std::string value_of(const FoundCheck& check, std::string_view key) {
    const auto found = std::find_if(check.keys.begin(), check.keys.end(),
                                    [&](const auto& each) { return each.first == key; });
    return found == check.keys.end() ? std::string() : found->second;
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

class Writer {
  public:
    Writer(const Discovered& discovered, const Heading& heading, Files& files)
        : m_discovered(discovered), m_heading(heading), m_files(files) {}

    std::string text() {
        remark(say(k_written, clean_line(m_heading.host), m_heading.when));
        remark(say(k_test));
        m_text += '\n';
        if (!m_heading.behind) {
            add_top();
        }
        if (!m_heading.behind || !m_heading.behind->paths) {
            m_text += fmt::format("[paths]\nenv_file = {} # {}\n\n",
                                  toml_text(env_file_for_secrets(m_files).string()),
                                  say(k_env_file).in(m_heading.lang));
        }
        remark(say(k_checks));
        for (const FoundCheck& check : m_discovered.checks) {
            m_text += '\n';
            remark(check.why);
            m_text += config_of(check, m_discovered);
        }
        add_recovery();
        if (!m_heading.behind || !m_heading.behind->channels) {
            add_channel();
        }
        return std::move(m_text);
    }

  private:
    // Keys that stand before the first table.
    void add_top() {
        m_text += fmt::format("lang = \"{}\"\n", m_heading.lang == Lang::ru ? "ru" : "en");
        m_text +=
            fmt::format("#host = {} # {}\n\n", toml_text(m_heading.host), say(k_host).in(m_heading.lang));
    }

    void add_channel() {
        m_text += '\n';
        remark(say(k_channel));
        remark(say(k_secrets, env_file_for_secrets(m_files).string()));
        m_text += "\n[channel.errors]\ntype = \"telegram\"\ntoken = \"${ERRORS_BOT_TOKEN}\"\n"
                  "chat = \"${ERRORS_CHAT_ID}\"\n";
    }

    void remark(const Text& words) {
        for (const std::string_view line : split_lines(words.in(m_heading.lang))) {
            if (!line.empty()) {
                m_text += fmt::format("# {}\n", trim(clean(line)));
            }
        }
    }

    void rung(const Text& why, const std::string& toml) {
        m_text += '\n';
        remark(why);
        for (const std::string_view line : split_lines(toml)) {
            if (!line.empty()) {
                m_text += fmt::format("#{}\n", line);
            }
        }
    }

    void add_recovery() {
        const std::string before = std::exchange(m_text, {});
        add_rungs();
        const std::string rungs = std::exchange(m_text, before);
        if (rungs.empty()) {
            return;
        }
        m_text += '\n';
        remark(say(k_recovery));
        remark(say(k_off));
        m_text += rungs + '\n';
        remark(say(k_databases));
    }

    // Top to bottom as the ladder is climbed: what is mended without anybody noticing comes first.
    void add_rungs() {
        for (const FoundCheck& check : m_discovered.checks) {
            if (check.type == "frontend") {
                add_permissions(check);
            }
        }
        for (const FoundCheck& check : m_discovered.checks) {
            if (is_application(check)) {
                add_restart(check);
            }
        }
        for (const FoundCheck& check : m_discovered.checks) {
            if (is_web_server(check)) {
                add_restart(check);
            }
        }
    }

    // What the programs are is not kept with the checks; the checks that need them tell.
    [[nodiscard]] bool is_web_server(const FoundCheck& check) const {
        return is_unit(check) && is_one_of(check.about, {"unit nginx.service", "unit caddy.service",
                                                         "unit apache2.service", "unit httpd.service"});
    }
    [[nodiscard]] bool is_application(const FoundCheck& check) const {
        const std::vector<const FoundCheck*> after = needing(check);
        return is_unit(check) && !is_web_server(check) &&
               std::any_of(after.begin(), after.end(), [](const FoundCheck* each) {
                   return each->about.starts_with("app ") || each->about.starts_with("workers ") ||
                          each->about.starts_with("celery ");
               });
    }
    static bool is_unit(const FoundCheck& check) { return check.about.starts_with("unit "); }

    [[nodiscard]] std::vector<const FoundCheck*> needing(const FoundCheck& root) const {
        std::vector<const FoundCheck*> found;
        for (const FoundCheck& check : m_discovered.checks) {
            if (std::find(check.needs.begin(), check.needs.end(), root.about) != check.needs.end()) {
                found.push_back(&check);
            }
        }
        return found;
    }

    // The checks that say whether it helped. A certificate that runs out, a unit among all units and a file that is
    // missing from a build are not its doing.
    [[nodiscard]] std::string when(const FoundCheck& root) const {
        std::vector<std::string> names{root.name};
        for (const FoundCheck* check : needing(root)) {
            if (!is_one_of(check->type, {"tls", "systemd", "frontend"})) {
                names.push_back(check->name);
            }
        }
        return toml_list(names);
    }

    void add_permissions(const FoundCheck& frontend) {
        constexpr std::string_view k_about = "frontend ";
        const Path root = frontend.about.substr(k_about.size());
        const Result<FileInfo> info = m_files.info(root, Files::Follow::yes);
        if (!info) {
            return;
        }
        rung(
            say(k_permissions),
            fmt::format("[[health.recovery]]\nname = {}\nwhen = {}\naction = \"fix-permissions\"\npath = {}\n"
                        "owner = {}\ndirs = \"755\"\nfiles = \"644\"\n",
                        toml_text("permissions-" + frontend.name.substr(0, 50)), when(frontend),
                        value_of(frontend, "root"), toml_text(owner_words(*info))));
    }

    // "www-data:www-data", or with a number where the group has not the user's name.
    static std::string owner_words(const FileInfo& info) {
        const Result<User> user = find_user(info.owner);
        const std::string name = user ? user->name : std::to_string(info.owner);
        const Result<Owner> same = find_owner(name + ":" + name);
        return same && same->group == info.group ? name + ":" + name : fmt::format("{}:{}", name, info.group);
    }

    void add_restart(const FoundCheck& unit) {
        const bool tested = unit.about == "unit nginx.service";
        rung(say(tested ? k_restart_tested : k_restart),
             fmt::format("[[health.recovery]]\nname = {}\nwhen = {}\naction = \"restart\"\nunit = {}\n{}",
                         toml_text("restart-" + unit.name.substr(0, 50)), when(unit), value_of(unit, "unit"),
                         tested ? "test = [\"nginx\", \"-t\"]\n" : ""));
    }

    const Discovered& m_discovered;
    const Heading& m_heading;
    Files& m_files;
    std::string m_text;
};

} // namespace

Path env_file_for_secrets(Files& files, const Path& of_the_old_suite, const Path& otherwise) {
    return files.info(of_the_old_suite, Files::Follow::yes).ok() ? of_the_old_suite : otherwise;
}

std::string annotated_config(const Discovered& discovered, const Heading& heading, Files& files) {
    return Writer(discovered, heading, files).text();
}

} // namespace lectio

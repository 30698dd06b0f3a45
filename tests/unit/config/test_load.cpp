// Where a configuration comes from, and what is done when it does not load.
#include "cli/check_config.h"
#include "config/load.h"
#include "platform/users.h"
#include "stand_in_types.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/fake_services.h"
#include "support/faulty_files.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <cerrno>

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace lectio;
using namespace std::chrono_literals;
using Use = LoadedConfig::Use;

namespace {

// A host whose usual places are in a temporary folder.
class Bench {
  public:
    Bench() {
        request.kinds = test::stand_in_kinds();
        request.discovery = discover;
        request.usual_files = {m_folder / "etc/config.toml", m_folder / "opt/config.toml"};
        request.usual_env_file = m_folder / "opt/config.env";
        request.usual_state = m_folder / "state";
        request.environment = [this](const std::string& name) -> std::optional<std::string> {
            const auto found = environment.find(name);
            return found == environment.end() ? std::nullopt : std::optional(found->second);
        };
    }

    LoadedConfig load(LastGood last_good = LastGood::fall_back) {
        World world{m_bare.clock, m_bare.files, host, m_bare.http, m_bare.processes, services, m_bare.redis};
        LoadedConfig loaded = load_config(world, request, last_good);
        discover_checks(world, request, loaded);
        return loaded;
    }
    LoadedConfig load_with(Files& files) {
        World world{m_bare.clock, files, host, m_bare.http, m_bare.processes, services, m_bare.redis};
        LoadedConfig loaded = load_config(world, request, LastGood::never);
        discover_checks(world, request, loaded);
        return loaded;
    }
    Path write(const std::string& name, const std::string& text, mode_t mode = 0600) {
        spill(m_folder / name, text);
        ::chmod((m_folder / name).c_str(), mode);
        return m_folder / name;
    }
    Result<void> keep(const LoadedConfig& loaded) { return keep_last_good(m_bare.files, loaded); }
    Result<void> keep_discovered(const LoadedConfig& loaded) {
        return lectio::keep_discovered(m_bare.files, loaded);
    }
    FakeClock& clock() { return m_bare.clock; }
    [[nodiscard]] std::string paths() const {
        return "[paths]\nstate = \"" + (m_folder / "state").string() + "\"\n";
    }
    [[nodiscard]] Path folder() const { return m_folder.path(); }

    FakeHost host;
    FakeServices services;
    ConfigRequest request;
    std::map<std::string, std::string> environment;

  private:
    TempFolder m_folder;
    BareWorld m_bare;
};

std::vector<std::string> names(const Config& config) {
    std::vector<std::string> found;
    for (const CheckSettings& check : config.health.checks) {
        found.push_back(check.name);
    }
    return found;
}

constexpr const char* k_check = "[health.check.web]\ntype = \"systemd\"\nunit = \"nginx.service\"\n";
constexpr const char* k_channel =
    "[channel.errors]\ntype = \"telegram\"\ntoken = \"1:made-up-token\"\nchat = 7\n";

} // namespace

TEST_CASE("the first place that has a configuration counts") {
    Bench bench;
    bench.write("opt/config.env", "BACKEND_SERVICE=app\n");
    CHECK(bench.load().config.source == Config::Source::config_env);
    const Path opt = bench.write("opt/config.toml", k_check);
    CHECK(bench.load().file == opt.string());
    const Path etc = bench.write("etc/config.toml", k_check);
    CHECK(bench.load().file == etc.string());
    const Path named = bench.write("named.toml", k_check);
    bench.environment["LECTIO_CONFIG"] = named.string();
    CHECK(bench.load().file == named.string());
    const Path given = bench.write("given.toml", k_check);
    bench.request.file = given.string();
    CHECK(bench.load().file == given.string());
    CHECK(bench.load().ok());
}

TEST_CASE("a file that is named and not there, a folder, a pipe are errors, not other places") {
    Bench bench;
    bench.write("etc/config.toml", k_check);
    bench.request.file = (bench.folder() / "missing.toml").string();
    CHECK_FALSE(bench.load().ok());
    CHECK(problem_lines(bench.load()).en.find("missing.toml: ") != std::string::npos);
    bench.request.file = (bench.folder() / "etc").string();
    CHECK_FALSE(bench.load().ok());
    const Path pipe = bench.folder() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    bench.request.file = pipe.string();
    CHECK_FALSE(bench.load().ok());
}

TEST_CASE("a file that was emptied is a mistake, and no wish to be watched by discovery") {
    Bench bench;
    const Path file = bench.write("etc/config.toml", GENERATE("", "\n", "\r\n \n"));
    const LoadedConfig loaded = bench.load();
    CHECK(problem_lines(loaded).en == file.string() + ":1:1: the file is empty\n");
    CHECK(loaded.use == LoadedConfig::Use::telling); // so its last good copy is taken
    CHECK(loaded.config.health.checks.empty());
    // Comments are somebody's words.
    bench.write("etc/config.toml", "# nothing yet\n");
    CHECK(bench.load().ok());
}

TEST_CASE("without any configuration the host is looked at") {
    Bench bench;
    bench.host.memory_info = MemoryInfo{2_GB, 1_GB, 0_B, 0_B};
    bench.host.listener_list = std::vector<Listener>{
        {"0.0.0.0", 80, 1, "nginx"}, {"::", 443, 1, "odd\nname"}, {"127.0.0.1", 6379, 1, "redis"}};
    const LoadedConfig loaded = bench.load();
    INFO(problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    CHECK(loaded.config.source == Config::Source::discovery);
    CHECK(names(loaded.config) == std::vector<std::string>{"disk", "memory", "units", "http", "https"});
    CHECK_FALSE(loaded.config.assumed.empty());
}

TEST_CASE(
    "what discovery found once is watched on, for a week, or until a configuration says what to watch") {
    Bench bench;
    bench.write("etc/config.toml", bench.paths());
    const auto found = [&] {
        const LoadedConfig loaded = bench.load();
        REQUIRE(loaded.ok());
        REQUIRE(bench.keep_discovered(loaded).ok());
        return names(loaded.config);
    };
    const std::vector<std::string> with_web{"disk", "memory", "units", "http"};
    const std::vector<std::string> without{"disk", "memory", "units"};
    CHECK(found() == without);
    bench.host.listener_list = std::vector<Listener>{{"192.0.2.7", 80, 1, "nginx"}};
    CHECK(found() == with_web);

    bench.host.listener_list = std::vector<Listener>{}; // nginx was stopped
    CHECK(found() == with_web);
    bench.clock().advance(24h * 6);
    CHECK(found() == with_web);

    SECTION("a week without it") {
        bench.clock().advance(24h + 1h);
        CHECK(found() == without);
    }
    SECTION("seen again in between") {
        bench.host.listener_list = std::vector<Listener>{{"192.0.2.7", 80, 1, "nginx"}};
        CHECK(found() == with_web);
        bench.host.listener_list = std::vector<Listener>{};
        bench.clock().advance(24h * 6);
        CHECK(found() == with_web);
    }
    SECTION("listeners that cannot be looked at are no reason to forget") {
        bench.host.listener_list = Error{ErrorKind::permission, "refused"};
        CHECK(found() == with_web);
    }
    SECTION("a configuration with checks") {
        bench.write("etc/config.toml", bench.paths() + k_check);
        CHECK(found() == std::vector<std::string>{"web"});
    }
}

TEST_CASE("what is remembered of a host is written only when there is something new") {
    Bench bench;
    bench.write("etc/config.toml", bench.paths());
    bench.host.listener_list = std::vector<Listener>{{"::", 443, 1, "nginx"}};
    REQUIRE(bench.keep_discovered(bench.load()).ok());
    bench.clock().advance(1min);
    CHECK(bench.load().discovered.empty());
    bench.clock().advance(2h);
    CHECK_FALSE(bench.load().discovered.empty());
}

TEST_CASE("what is remembered is private, the folder that all tools share too") {
    Bench bench;
    SystemFiles files;
    SECTION("of a host") {
        bench.write("etc/config.toml", bench.paths());
        REQUIRE(bench.keep_discovered(bench.load()).ok());
    }
    SECTION("of a configuration") {
        bench.write("etc/config.toml", bench.paths() + k_check);
        REQUIRE(bench.keep(bench.load()).ok());
    }
    CHECK(files.info(bench.folder() / "state", Files::Follow::no)->mode == 0700);
    CHECK(files.info(bench.folder() / "state/config", Files::Follow::no)->mode == 0700);
}

TEST_CASE("a configuration in which nothing is switched on says so") {
    Bench bench;
    constexpr const char* k_off = "enabled = false\n";
    const auto notes = [&](const std::string& text) {
        bench.write("etc/config.toml", text);
        const LoadedConfig loaded = bench.load();
        REQUIRE(loaded.ok());
        return loaded.config.notes.size();
    };
    const std::string other = "[health.check.other]\ntype = \"systemd\"\nunit = \"app.service\"\n";
    CHECK(notes(std::string(k_check) + k_off + other + k_off) == 1);
    CHECK(problem_lines(bench.load()).en.find(":1:1: warning: no check is switched on") != std::string::npos);
    CHECK(notes(std::string(k_check) + k_off + other) == 0);
}

TEST_CASE("whatever stands in the memory of discovery, a configuration comes of it") {
    Bench bench;
    bench.write("etc/config.toml", bench.paths());
    std::filesystem::create_directories(bench.folder() / "state/config");
    for (const char* nonsense :
         {"", "[", "[]", "{\"web\":5}", "{\"web\":[5,{}]}",
          "{\"web\":[{\"port\":80,\"address\":\"\\\"\\nx\",\"last_seen\":\"2126-01-01T00:00:00Z\"}]}",
          "{\"web\":[{\"port\":8080,\"address\":\"::\",\"last_seen\":\"2126-01-01T00:00:00Z\"}]}"}) {
        CAPTURE(nonsense);
        bench.write("state/config/discovered.json", nonsense);
        const LoadedConfig loaded = bench.load();
        CHECK(loaded.ok());
        CHECK(names(loaded.config) == std::vector<std::string>{"disk", "memory", "units"});
    }
}

TEST_CASE("a systemd that does not answer is watched, one that is not there is not") {
    Bench bench;
    bench.services.broken = Error{ErrorKind::timeout, "no answer"};
    CHECK(names(bench.load().config) == std::vector<std::string>{"disk", "memory", "units"});
    bench.services.broken = Error{ErrorKind::not_found, "no systemd"};
    CHECK(names(bench.load().config) == std::vector<std::string>{"disk", "memory"});
}

TEST_CASE("a file without checks is told to be so, and the host is looked at") {
    Bench bench;
    bench.write("etc/config.toml", std::string("lang = \"en\"\n") + k_channel);
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    CHECK(loaded.config.lang == Lang::en);
    CHECK(names(loaded.config).size() >= 2);
    REQUIRE(loaded.config.assumed.size() == 1);
    CHECK(loaded.config.channels.size() == 1);
}

TEST_CASE("a file of variables that is named as the configuration is told to be one") {
    Bench bench;
    bench.request.file =
        bench
            .write("opt/config.env", "# of the bash suite\nexport SITE_URL=https://site.example\n"
                                     "SMOKE_TEACHER_PASSWORD=made-up-of-the-teacher\n")
            .string();
    const LoadedConfig loaded = bench.load();
    CHECK_FALSE(loaded.ok());
    REQUIRE(loaded.problems.all().size() == 1);
    CHECK_THAT(problem_lines(loaded).en, Catch::Contains("a file of variables, not the configuration"));
    CHECK_THAT(problem_lines(loaded).ru, Catch::Contains("укажите config.toml"));
    bench.write("opt/config.env", "SITE_URL=\"https://site.example\"\n"); // TOML by chance
    CHECK_THAT(problem_lines(bench.load()).en, Catch::Contains("a file of variables"));
    bench.write("opt/config.env", "lang = ru\n");
    CHECK_THAT(problem_lines(bench.load()).en, !Catch::Contains("a file of variables"));
}

TEST_CASE("a tool that looks for no checks says nothing of those that are missing") {
    Bench bench;
    bench.request.discovery = nullptr;
    bench.write("etc/config.toml", "[[smoke.step]]\nname = \"page\"\nget = \"/\"\n");
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    CHECK(loaded.config.assumed.empty());
    std::filesystem::remove(bench.folder() / "etc/config.toml");
    const LoadedConfig nothing = bench.load();
    REQUIRE(nothing.config.assumed.size() == 1);
    CHECK_THAT(nothing.config.assumed[0].en, Catch::Contains("no configuration"));
}

TEST_CASE("config.env alone does what health_check.sh did") {
    Bench bench;
    bench.write("opt/config.env",
                "ERRORS_BOT_TOKEN=\"4711:made-up-errors\"\nERRORS_CHAT_ID=-100123\n"
                "TELEGRAM_BOT_TOKEN=wrong\nTELEGRAM_CHAT_ID=1\nSITE_URL=https://site.example\n"
                "PROJECT_ROOT=/srv/app\nFRONTEND_BUILD=\"${PROJECT_ROOT}/frontend/build\"\n"
                "MAX_RESPONSE_TIME=7\nMAX_RECOVERY_ATTEMPTS=2\nRECOVERY_COOLDOWN=600\nALERTS_MUTED=1\n");
    const LoadedConfig loaded = bench.load();
    INFO(problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    CHECK(names(loaded.config) ==
          std::vector<std::string>{"nginx", "backend", "site", "frontend", "workers", "disk", "memory"});
    const auto& site = *static_cast<const test::HttpLike*>(loaded.config.health.checks[2].settings.get());
    CHECK(site.url == "https://site.example");
    CHECK(site.max_time == 7s);
    CHECK(loaded.config.health.limits.attempts == 2);
    CHECK(loaded.config.health.limits.cooldown == 10min);
    CHECK(loaded.config.health.recovery.size() == 5);
    REQUIRE(loaded.config.channels.size() == 1);
    CHECK(loaded.config.channels[0].as<TelegramChannel>()->token.reveal() == "4711:made-up-errors");
    CHECK(loaded.config.channels[0].as<TelegramChannel>()->chat.text == "-100123");
    CHECK(loaded.config.always_muted);
    CHECK(loaded.config.notes.empty());
    CHECK(check_config_text(loaded, Strict::no).text.find("made-up-errors") == std::string::npos);
}

TEST_CASE("config.env alone looks at what deep_check.sh looked at, as far as it is there") {
    Bench bench;
    const auto deep = [&] {
        const LoadedConfig loaded = bench.load();
        INFO(problem_lines(loaded).en);
        REQUIRE(loaded.ok());
        std::vector<std::string> names;
        for (const CheckSettings& check : loaded.config.deepcheck.checks) {
            if (check.name != "nginx-errors") { // this machine may have nginx's log
                names.push_back(check.name);
            }
        }
        return names;
    };
    const std::string root = (bench.folder() / "app").string();
    bench.write("opt/config.env", "SITE_URL=http://site.example\nPROJECT_ROOT=" + root + "\n");
    CHECK(deep() == std::vector<std::string>{"disk", "memory", "workers"});
    bench.write("opt/config.env", "SITE_URL=https://site.example:8443/x\nPROJECT_ROOT=" + root + "\n");
    bench.write("app/teaching_panel/db.sqlite3", "");
    bench.write("app/teaching_panel/manage.py", "");
    CHECK(deep() ==
          std::vector<std::string>{"certificate", "database", "disk", "memory", "workers", "migrations"});
}

TEST_CASE("config.env alone asks what smoke_check_v2.sh asked") {
    Bench bench;
    bench.write("opt/config.env", "SITE_URL=https://site.example/\nAPI_URL=https://site.example/api\n"
                                  "PROJECT_ROOT=/srv/app\nSMOKE_TEACHER_PASSWORD=made-up-teacher\n");
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    const SmokeSettings& smoke = loaded.config.smoke;
    CHECK(smoke.base_url == "https://site.example");
    REQUIRE(smoke.logins.size() == 2);
    CHECK(smoke.logins[0].unset.empty());
    CHECK(smoke.logins[1].unset == std::vector<std::string>{"SMOKE_STUDENT_PASSWORD"});
    CHECK(smoke.steps.size() == 11);
    REQUIRE(smoke.users);
    CHECK(smoke.users->manage == "/srv/app/teaching_panel/manage.py");
    CHECK(loaded.config.notes.empty()); // who has no test account is told by lectio-smoke alone

    bench.write("opt/config.env", "SITE_URL=https://site.example\nAPI_URL=https://api.example/v1\n");
    const SmokeSettings elsewhere = bench.load().config.smoke;
    CHECK(elsewhere.base_url == "https://api.example");
    CHECK(elsewhere.steps.front().get == "https://site.example/");
    CHECK(elsewhere.steps.size() == 10); // the script of the page is not at the API
}

TEST_CASE("the other bot only where both of the right one are not there, and never in silence") {
    Bench bench;
    bench.write("opt/config.env", "ERRORS_BOT_TOKEN=half\nTELEGRAM_BOT_TOKEN=other\nTELEGRAM_CHAT_ID=5\n");
    const LoadedConfig other = bench.load();
    REQUIRE(other.config.channels.size() == 1);
    CHECK(other.config.channels[0].as<TelegramChannel>()->token.reveal() == "other");
    CHECK(other.config.notes.size() == 1);
    bench.write("opt/config.env", "ERRORS_BOT_TOKEN=half\nTELEGRAM_CHAT_ID=5\n");
    CHECK(bench.load().config.channels.empty());
    bench.write("etc/config.toml", std::string(k_check) + "[channel.errors]\ntype = \"telegram\"\n"
                                                          "token = \"${ERRORS_BOT_TOKEN}\"\nchat = 5\n");
    bench.write("opt/config.env", "TELEGRAM_BOT_TOKEN=other\nTELEGRAM_CHAT_ID=5\n");
    CHECK(bench.load().config.channels[0].unset == std::vector<std::string>{"ERRORS_BOT_TOKEN"});
}

TEST_CASE("whatever stands in config.env, it loads and what does not fit is said") {
    Bench bench;
    bench.write("opt/config.env", "SITE_URL='not a \"url\"'\nBACKEND_SERVICE='a b;c'\nLOG_DIR=logs\n"
                                  "MAX_RECOVERY_ATTEMPTS=many\nMIN_FREE_DISK_PERCENT=1000\nnonsense\n");
    const LoadedConfig loaded = bench.load();
    INFO(problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    CHECK(loaded.config.notes.size() == 6);
    CHECK(loaded.config.health.limits.attempts == 3);
}

TEST_CASE("a wrong value from a variable switches off what needs it, and --check-config refuses it") {
    Bench bench;
    bench.write("etc/config.toml", "lang = \"${A_LANG}\"\n" + bench.paths() + k_check +
                                       "[channel.a]\ntype = \"telegram\"\ntoken = \"1:t\"\n"
                                       "chat = \"${A_CHAT:-nobody}\"\n"
                                       "[[route]]\nto = [\"${A_ROUTE}\"]\n");
    bench.environment = {{"A_LANG", "xx"}, {"A_CHAT", "strayed-secret"}, {"A_ROUTE", "strayed-secret"}};
    const LoadedConfig loaded = bench.load();
    INFO(problem_lines(loaded).en);
    REQUIRE(loaded.ok());
    CHECK(loaded.config.lang == Lang::ru);
    CHECK(loaded.config.health.checks.size() == 1);
    REQUIRE(loaded.config.channels.size() == 1);
    CHECK(loaded.config.channels[0].unset == std::vector<std::string>{"A_CHAT"});
    REQUIRE(loaded.config.notes.size() == 3); // the channel, the default, the route
    for (const Config::Note& note : loaded.config.notes) {
        CHECK(note.message.en.find(" is wrong: ") != std::string::npos);
        CHECK(note.message.en.find("strayed") == std::string::npos);
        CHECK(note.hint.en.starts_with("correct it in "));
        CHECK(note.unset.empty());
    }

    const LoadedConfig checked = bench.load(LastGood::never);
    CHECK_FALSE(checked.ok());
    CHECK(std::count_if(checked.problems.all().begin(), checked.problems.all().end(),
                        [](const Problem& each) { return each.severity == Problem::Severity::error; }) == 3);
    CHECK(problem_lines(checked).en.find("strayed") == std::string::npos);

    bench.environment = {{"A_LANG", "en"}, {"A_ROUTE", "a"}}; // "nobody" is the file's own mistake
    CHECK_FALSE(bench.load().ok());
}

TEST_CASE("of two thresholds the one from a variable is at fault") {
    Bench bench;
    bench.write("etc/config.toml", "[health.check.disk]\ntype = \"disk\"\npath = \"/\"\n"
                                   "free = { warn = \"${A_SHARE}\", critical = \"5%\" }\n");
    bench.environment = {{"A_SHARE", "4%"}};
    REQUIRE(bench.load().ok());
    CHECK(bench.load().config.health.checks[0].unset == std::vector<std::string>{"A_SHARE"});
}

TEST_CASE("the env file wins over the environment, and one that others can read is told with the remedy") {
    Bench bench;
    bench.environment["A_CHAT"] = "1";
    const Path env = bench.write("opt/config.env", "A_CHAT=2\n", 0644);
    bench.write("etc/config.toml",
                std::string(k_check) +
                    "[channel.a]\ntype = \"telegram\"\ntoken = \"1:t\"\nchat = \"${A_CHAT}\"\n");
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    CHECK(loaded.config.channels[0].as<TelegramChannel>()->chat.text == "2");
    REQUIRE(loaded.config.notes.size() == 1);
    CHECK(loaded.config.notes[0].hint.en == "run: chmod 600 " + env.string());
}

TEST_CASE("root says who else may change what it obeys; another user acts with his own rights only") {
    Bench bench;
    const std::string file = bench.write("etc/config.toml", k_check, 0666);
    const std::string env = bench.write("opt/config.env", "A=1\n", 0622);
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok()); // it is said, the watch goes on
    std::vector<std::string> said;
    for (const Config::Note& note : loaded.config.notes) {
        said.push_back(note.message.en);
    }
    std::vector<std::string> expected;
    if (effective_user() == 0) {
        expected = {env + " can be changed by others, and root does what it says",
                    file + " can be changed by others, and root does what it says"};
    }
    CHECK(said == expected);
}

TEST_CASE("a time zone that this host does not know ends no watch: --check-config refuses, a run says so") {
    if (!std::filesystem::is_directory("/usr/share/zoneinfo/Europe")) {
        return; // where there are no zones, none is judged
    }
    Bench bench;
    bench.write("etc/config.toml", "timezone = \"Europe/Moskow\"\n" + std::string(k_check));
    const LoadedConfig checked = bench.load(LastGood::never);
    CHECK_FALSE(checked.ok());
    CHECK(problem_lines(checked).en.find(
              ":1:12: unknown time zone \"Europe/Moskow\"; did you mean \"Europe/Moscow\"?") !=
          std::string::npos);
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    CHECK(loaded.config.timezone.empty());
    REQUIRE(loaded.config.notes.size() == 1);
    CHECK(loaded.config.notes[0].message.en == "this host knows no time zone Europe/Moskow: its own is used");
}

TEST_CASE("a named env file that is not there is a warning at its place") {
    Bench bench;
    bench.write("etc/config.toml", std::string("[paths]\nenv_file = \"/no/such/file.env\"\n") + k_check);
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    CHECK(problem_lines(loaded).en.find("config.toml:2:12: warning: ") != std::string::npos);
    CHECK(check_config_text(loaded, Strict::no).good);
    CHECK_FALSE(check_config_text(loaded, Strict::yes).good);
}

TEST_CASE("a missing env file is one finding: the file, the variables, what is off without them") {
    Bench bench;
    bench.write("etc/config.toml",
                std::string("[paths]\nenv_file = \"/no/such/file.env\"\n") + k_check +
                    "[channel.a]\ntype = \"telegram\"\ntoken = \"${A_TOKEN}\"\nchat = \"${A_CHAT}\"\n"
                    "[channel.b]\ntype = \"telegram\"\ntoken = \"1:t\"\nchat = \"${B_CHAT}\"\n");
    const LoadedConfig loaded = bench.load();
    REQUIRE(loaded.ok());
    REQUIRE(loaded.config.notes.size() == 1);
    const Text& message = loaded.config.notes[0].message;
    CHECK(message.en.find("/no/such/file.env") != std::string::npos);
    CHECK(message.en.ends_with("; channel a is off: variables A_TOKEN, A_CHAT are not set"
                               "; channel b is off: variable B_CHAT is not set"));
    CHECK(message.ru.ends_with("; канал a выключен: не заданы переменные A_TOKEN, A_CHAT"
                               "; канал b выключен: не задана переменная B_CHAT"));
}

TEST_CASE("ALERTS_MUTE_FILE is where the mute marker lies") {
    Bench bench;
    bench.write("opt/config.env", "ALERTS_MUTE_FILE=/var/run/old/mute_until\n");
    CHECK(bench.load().config.mute_file == "/var/run/old/mute_until");
    CHECK(bench.load().config.notes.empty());
    bench.write("opt/config.env", "ALERTS_MUTE_FILE=mute_until\n");
    CHECK(bench.load().config.mute_file.empty());
    CHECK(bench.load().config.notes.size() == 1);
}

TEST_CASE("a typo does not end the watch") {
    Bench bench;
    const std::string good = bench.paths() + k_check + k_channel;
    bench.write("etc/config.toml", good);
    const LoadedConfig first = bench.load();
    REQUIRE(first.ok());
    REQUIRE(bench.keep(first).ok());
    REQUIRE(bench.keep(first).ok());

    for (const std::string& broken : {bench.paths() + "[health.check.web]\ntype = \"sistemd\"\n" + k_channel,
                                      bench.paths() + k_channel + "[health.check.web\n"}) {
        bench.write("etc/config.toml", broken);
        const LoadedConfig second = bench.load();
        CHECK(second.use == Use::last_good);
        CHECK(names(second.config) == std::vector<std::string>{"web"});
        CHECK(second.problems.has_errors());
        CHECK(second.fingerprint != first.fingerprint);
        CHECK_FALSE(bench.load(LastGood::never).ok());
        CHECK(bench.load(LastGood::never).use != Use::last_good);
        REQUIRE(bench.keep(second).ok()); // keeps nothing
    }
    bench.write("etc/config.toml", good);
    CHECK(bench.load().ok());
}

TEST_CASE("a typo where an installation names its own paths does not end the watch either") {
    Bench bench;
    bench.request.usual_state = bench.folder() / "usual";
    const std::string state = (bench.folder() / "state").string();
    const std::string run = "run = \"" + (bench.folder() / "run").string() + "\"\n";
    bench.write("etc/config.toml", bench.paths() + run + k_check + k_channel);
    REQUIRE(bench.keep(bench.load()).ok());
    const std::string rest = run + k_check + k_channel;
    for (const std::string& broken :
         {"host = \"a\n[paths]\nstate = \"" + state + "\"\n" + rest,     // a quote in the head
          "[paths\nstate = \"" + state + "\"\n" + rest,                  // a bracket of the header
          "[path]\nstate = \"" + state + "\"\n" + rest,                  // its name
          "[paths]\nstate = \"" + state + "\n" + rest,                   // a quote of the path
          "[paths]\nstate = " + state + "\n" + rest,                     // both
          "[paths]\nstaet = \"" + state + "\"\n" + rest,                 // the key
          "[paths]\nlogs = \nstate = '" + state + "' # here\r\n" + rest, // a neighbour
          "lang = \npaths.state = \"" + state + "\"\n" + k_check,        // in the head itself
          "paths = { state = \"" + state + "\"\n" + k_check,
          "[paths]\n\"state = \"${HOME_OF_IT}/state\"\n" + rest}) {
        CAPTURE(broken);
        bench.environment["HOME_OF_IT"] = bench.folder().string();
        bench.write("etc/config.toml", broken);
        const LoadedConfig loaded = bench.load();
        CHECK(loaded.use == Use::last_good);
        CHECK(names(loaded.config) == std::vector<std::string>{"web"});
        CHECK(loaded.config.paths.state == bench.folder() / "state");
    }
}

TEST_CASE(
    "what a broken file seems to name as its state is believed only where its own last good copy lies") {
    Bench bench;
    bench.request.usual_state = bench.folder() / "usual";
    bench.request.file = bench.write("other.toml", bench.paths() + k_check).string();
    REQUIRE(bench.keep(bench.load()).ok());
    bench.request.file.reset();
    for (const std::string& broken : {"[paths\nstate = \"" + (bench.folder() / "state").string() + "\"\n",
                                      std::string("[paths\nstate = \"/nowhere\"\n"), std::string("state ="),
                                      std::string("="), std::string("[paths\nstate = \"\n")}) {
        CAPTURE(broken);
        bench.write("etc/config.toml", broken);
        CHECK(bench.load().use == Use::telling);
        CHECK(bench.load().config.paths.state == Paths{}.state);
    }
}

TEST_CASE("of a configuration that is refused nothing is walked and nothing is looked at") {
    Bench bench;
    const std::string walk = "[smoke.login.me]\npost = \"/in/\"\njson = { email = \"a@test.local\" }\n"
                             "token = \"/access\"\n[[smoke.step]]\nname = \"page\"\nget = \"/\"\n";
    const std::string deep = "[deepcheck.check.web]\ntype = \"systemd\"\nunit = \"nginx.service\"\n";
    bench.write("etc/config.toml", bench.paths() + k_channel + walk + deep);
    INFO(problem_lines(bench.load()).en);
    REQUIRE(bench.load().ok());
    CHECK(bench.load().config.smoke.steps.size() == 1);
    CHECK(bench.load().config.deepcheck.checks.size() == 1);
    bench.write("etc/config.toml", bench.paths() + k_channel + walk + "range = \"bytes=0-1\"\n" + deep);
    const LoadedConfig refused = bench.load();
    CHECK(refused.use == Use::telling);
    CHECK(refused.config.smoke.steps.empty());
    CHECK(refused.config.smoke.logins.empty());
    CHECK(refused.config.deepcheck.checks.empty());
    CHECK(refused.config.channels.size() == 1);
}

TEST_CASE("one wrong line among the paths leaves the others in force") {
    Bench bench;
    const std::string run = "run = \"" + (bench.folder() / "run").string() + "\"\n";
    for (const char* wrong : {"logs = /var/log\n", "logs\n", "logs = \"\n"}) {
        CAPTURE(wrong);
        bench.write("etc/config.toml", bench.paths() + wrong + run + k_channel);
        const LoadedConfig loaded = bench.load();
        CHECK(loaded.use == Use::telling);
        CHECK(loaded.config.paths.state == bench.folder() / "state");
        CHECK(loaded.config.paths.run == bench.folder() / "run");
        CHECK(loaded.config.channels.size() == 1);
    }
}

TEST_CASE("what is wrong is told in the language that the file asks for, however broken it is") {
    Bench bench;
    const auto told_in = [&](const std::string& text) {
        bench.write("etc/config.toml", text);
        const LoadedConfig loaded = bench.load(LastGood::never);
        CHECK_FALSE(loaded.ok());
        return loaded.config.lang;
    };
    CHECK(told_in(bench.paths() + "x = 1\n") == Lang::ru); // asks for none
    for (const std::string& broken :
         {"lang = \"en\"\n" + bench.paths() + "x = 1\n", "lang = \"en\"\n" + bench.paths() + "x = \n",
          "host = \"\nlang = \"en\" # of the alerts\n" + bench.paths(),
          "\xEF\xBB\xBFlang = \"en\"\r\nhost = \"\r\n" + bench.paths(),
          std::string("lang = \"en\"\n\0", 13)}) {
        CAPTURE(broken);
        CHECK(told_in(broken) == Lang::en);
    }
    CHECK(told_in("lang = \"de\"\n") == Lang::ru);
    CHECK(told_in("[log]\nlang = \"en\"\n") == Lang::ru); // not its place
}

TEST_CASE("where a file does not say its language, its last good copy does") {
    Bench bench;
    bench.write("etc/config.toml", "lang = \"en\"\n" + bench.paths() + k_check);
    REQUIRE(bench.keep(bench.load()).ok());
    for (const std::string& broken : {"lang = \"de\"\n" + bench.paths(), "lang = \n" + bench.paths(),
                                      "langg = \"ru\"\n" + bench.paths()}) {
        CAPTURE(broken);
        bench.write("etc/config.toml", broken);
        CHECK(bench.load(LastGood::never).config.lang == Lang::en);
        CHECK(bench.load().config.lang == Lang::en);
    }
}

TEST_CASE("the language is known without loading anything") {
    Bench bench;
    SystemFiles files;
    CHECK(configured_language(files, bench.request) == Lang::ru);
    bench.write("etc/config.toml", "lang = \"en\"\n[health");
    CHECK(configured_language(files, bench.request) == Lang::en);
    bench.request.file = (bench.folder() / "missing.toml").string();
    CHECK(configured_language(files, bench.request) == Lang::ru);
}

TEST_CASE("the lines of problems have both languages, and one form") {
    Bench bench;
    const Path file = bench.write("etc/config.toml", bench.paths() + "levl = 1\n" + k_check);
    const Text lines = problem_lines(bench.load(LastGood::never));
    CHECK(lines.en.starts_with(file.string() + ":3:1: unknown key \"levl\""));
    CHECK(lines.ru.starts_with(file.string() + ":3:1: неизвестный ключ \"levl\""));
    bench.request.file = (bench.folder() / "missing.toml").string();
    CHECK(problem_lines(bench.load()).ru.find("нет такого файла или папки") != std::string::npos);
}

TEST_CASE("the last good one of another file, or a damaged one, is none") {
    Bench bench;
    bench.write("etc/config.toml", bench.paths() + k_check);
    REQUIRE(bench.keep(bench.load()).ok());
    bench.request.file = bench.write("other.toml", bench.paths() + "x = 1\n").string();
    CHECK(bench.load().use == Use::telling);
    bench.request.file.reset();
    bench.write("etc/config.toml", bench.paths() + "x = 1\n");
    CHECK(bench.load().use == Use::last_good);
    const Path kept = bench.folder() / "state/config/last-good.toml";
    spill(kept, slurp(kept).substr(0, slurp(kept).size() - 20));
    CHECK(bench.load().use == Use::telling);
}

TEST_CASE(
    "the copy of a file with a token written out is for its owner's eyes only, whatever the file is for") {
    Bench bench;
    const mode_t before = ::umask(0);
    bench.write("etc/config.toml", bench.paths() + k_check + k_channel, 0666);
    REQUIRE(bench.keep(bench.load()).ok());
    ::umask(before);
    const Path kept = bench.folder() / "state/config/last-good.toml";
    CHECK(slurp(kept).find("1:made-up-token") != std::string::npos);
    const auto mode = [&](const Path& path) {
        struct stat info {};
        REQUIRE(::stat(path.c_str(), &info) == 0);
        CHECK(info.st_uid == effective_user());
        return info.st_mode & 0777U;
    };
    CHECK(mode(kept) == 0600);
    CHECK(mode(kept.parent_path()) == 0700);
    CHECK(mode(bench.folder() / "state") == 0700);
    ::chmod(kept.c_str(), 0644); // somebody has looked into it
    REQUIRE(bench.keep(bench.load()).ok());
    CHECK(mode(kept) == 0600);
}

TEST_CASE("a file that is gone and had paths of its own: the words say where its last good copy lies") {
    Bench bench;
    const Path own = bench.write("own.toml", bench.paths() + k_check);
    bench.request.usual_state = bench.folder() / "usual";
    bench.request.file = own.string();
    REQUIRE(bench.keep(bench.load()).ok());
    std::filesystem::remove(own);
    const LoadedConfig gone = bench.load();
    CHECK(gone.use == Use::nothing);
    REQUIRE(gone.problems.all().size() == 1);
    CHECK(gone.problems.all()[0].message.en.find(
              "if it was in use, its last good copy is config/last-good.toml") != std::string::npos);
    CHECK(bench.load(LastGood::never).problems.all()[0].message.en.find("last-good") == std::string::npos);
}

TEST_CASE("a usual file that was in use and is gone: the last good one is watched on, not what config.env "
          "would find") {
    Bench bench;
    bench.write("opt/config.env", "SITE_URL=http://127.0.0.1/\n");
    const Path file = bench.write("etc/config.toml", bench.paths() + k_check + k_channel);
    REQUIRE(bench.keep(bench.load()).ok());
    std::filesystem::remove(file);
    const LoadedConfig gone = bench.load();
    CHECK(gone.use == Use::last_good);
    CHECK(names(gone.config) == std::vector<std::string>{"web"});
    CHECK(gone.config.channels.size() == 1);
    CHECK(gone.file == file.string());
    CHECK(gone.copy_of_gone == bench.folder() / "state/config/last-good.toml");
    CHECK_FALSE(bench.load(LastGood::never).ok());

    std::filesystem::remove(gone.copy_of_gone); // as its words say, where it is to be gone
    const LoadedConfig meant = bench.load();
    CHECK(meant.ok());
    CHECK(meant.config.source == Config::Source::config_env);
}

TEST_CASE("a usual file that has moved to the other usual place is not missed") {
    Bench bench;
    const Path file = bench.write("etc/config.toml", bench.paths() + k_check);
    REQUIRE(bench.keep(bench.load()).ok());
    std::filesystem::remove(file);
    bench.write("opt/config.toml", bench.paths() + k_check);
    CHECK(bench.load().ok());
}

TEST_CASE("a mistyped name: what was meant is said, not where a copy of it would be") {
    Bench bench;
    bench.write("etc/config.toml", bench.paths() + k_check);
    bench.request.file = (bench.folder() / "etc/confg.toml").string();
    const std::string message = bench.load().problems.all()[0].message.en;
    CHECK(message.ends_with(": did you mean " + (bench.folder() / "etc/config.toml").string() + "?"));
    CHECK(message.find("last-good") == std::string::npos);
}

TEST_CASE("without a last good one, what can tell of the problem is kept and nothing else") {
    Bench bench;
    for (const std::string& broken :
         {bench.paths() + k_channel + k_check + "[health]\ndeadline = 5\n",
          bench.paths() + "[log\n" + k_channel + k_check, "lang = \"en\n" + bench.paths() + k_channel}) {
        bench.write("etc/config.toml", broken);
        const LoadedConfig loaded = bench.load();
        CHECK(loaded.use == Use::telling);
        CHECK(loaded.config.health.checks.empty());
        REQUIRE(loaded.config.channels.size() == 1);
        CHECK(loaded.config.channels[0].as<TelegramChannel>()->chat.text == "7");
        CHECK(loaded.config.paths.state == bench.folder() / "state");
    }
}

TEST_CASE("--check-config says what would run, or what is wrong, and shows no secret") {
    Bench bench;
    bench.write("etc/config.toml", "lang = \"en\"\n" + bench.paths() + k_check + k_channel);
    const ConfigVerdict good = check_config_text(bench.load(LastGood::never), Strict::no);
    CHECK(good.good);
    CHECK(good.text.find("web") != std::string::npos);
    CHECK(good.text.find("errors (telegram)") != std::string::npos);
    CHECK(good.text.find("made-up-token") == std::string::npos);

    bench.write("etc/config.toml", "lang = \"en\"\nlog = 5\n");
    const ConfigVerdict bad = check_config_text(bench.load(LastGood::never), Strict::no);
    CHECK_FALSE(bad.good);
    CHECK(bad.text ==
          (bench.folder() / "etc/config.toml").string() + ":2:7: expected a table, found whole number\n");
}

TEST_CASE("--check-config counts warnings, and what is missing is one") {
    Bench bench;
    const auto verdict = [&](Strict strict) {
        return check_config_text(bench.load(LastGood::never), strict);
    };
    const std::string file = (bench.folder() / "etc/config.toml").string();
    const std::string disk = "[health.check.disk]\ntype = \"disk\"\npath = \"/";
    bench.write("etc/config.toml", "lang = \"en\"\n" + bench.paths() + disk + "\"\n" + k_channel);
    CHECK(verdict(Strict::yes).good);
    CHECK(verdict(Strict::yes).text.starts_with(file + ": good\n"));

    bench.write("etc/config.toml",
                "lang = \"en\"\n" + bench.paths() + disk +
                    "no/such/folder\"\n"
                    "[health.check.app]\ntype = \"systemd\"\nunit = \"app\"\n"
                    "[health.check.workers]\ntype = \"process\"\nmatch = \"x\"\nuser = \"nobody-here\"\n"
                    "[[health.recovery]]\nname = \"run\"\nwhen = [\"app\"]\naction = \"exec\"\n"
                    "command = [\"/no/such/program\", \"/no/argument/is/looked/at\"]\n"
                    "[channel.errors]\ntype = \"telegram\"\ntoken = \"${A_TOKEN}\"\nchat = 7\n");
    const ConfigVerdict warned = verdict(Strict::no); // 4 more: keys that the stand-in types use later
    INFO(warned.text);
    CHECK(warned.good);
    CHECK_FALSE(verdict(Strict::yes).good);
    CHECK(warned.text.find(file + ":6:8: warning: there is no file or folder /no/such/folder") !=
          std::string::npos);
    CHECK(warned.text.find("warning: there is no unit app on this host") != std::string::npos);
    CHECK(warned.text.find("warning: there is no user nobody-here") != std::string::npos);
    CHECK(warned.text.find("warning: there is no program /no/such/program") != std::string::npos);
    CHECK(warned.text.find("warning: A_TOKEN is not set") != std::string::npos);
    CHECK(warned.text.find(file + ": no errors, 9 warnings\n") != std::string::npos);
    CHECK(verdict(Strict::yes).text.find(file + ": not accepted: 9 warnings\n") != std::string::npos);
    CHECK(warned.text.find("good") == std::string::npos);
    // A run finds out by itself: its report has no place for positions.
    CHECK(problem_lines(bench.load()).en.find("there is no") == std::string::npos);

    bench.services.broken = Error{ErrorKind::not_found, "no systemd"};
    CHECK(verdict(Strict::no).text.find("unit app") == std::string::npos);
}

TEST_CASE("--check-config names what lectio-smoke and lectio-deepcheck will not find") {
    Bench bench;
    bench.write("etc/config.toml",
                "lang = \"en\"\n" + bench.paths() +
                    "[smoke]\nbase_url = \"https://x\"\nca = \"/no/such/ca.pem\"\n"
                    "[smoke.users]\nmanage = \"/no/such/manage.py\"\npython = \"/no/such/python\"\n"
                    "user = \"nobody-here\"\n"
                    "[deepcheck.check.disk]\ntype = \"disk\"\npath = \"/no/such/folder\"\n" +
                    k_channel);
    const ConfigVerdict verdict = check_config_text(bench.load(LastGood::never), Strict::no);
    INFO(verdict.text);
    CHECK(verdict.good);
    for (const char* missing :
         {"file or folder /no/such/ca.pem", "file or folder /no/such/manage.py", "program /no/such/python",
          "user nobody-here", "file or folder /no/such/folder"}) {
        CHECK(verdict.text.find(std::string("warning: there is no ") + missing + " on this host") !=
              std::string::npos);
    }
}

TEST_CASE("an env file that is not there yet is made by setup-users, where accounts are set up") {
    Bench bench;
    const auto hint = [&](const std::string& users) {
        bench.write("etc/config.toml",
                    "lang = \"en\"\n[paths]\nstate = \"" + (bench.folder() / "state").string() +
                        "\"\nenv_file = \"/no/such/env\"\n[smoke]\nbase_url = \"https://x\"\n" + users +
                        "[smoke.login.a]\npost = \"/in/\"\njson = { password = \"${A_PASSWORD}\" }\n" +
                        k_channel);
        const LoadedConfig loaded = bench.load();
        return loaded.config.notes.empty() ? "" : loaded.config.notes.front().hint.en;
    };
    CHECK(hint("").find("setup-users") == std::string::npos);
    CHECK(hint("[smoke.users]\nmanage = \"/srv/manage.py\"\n").find("sudo lectio-smoke setup-users") !=
          std::string::npos);
}

TEST_CASE("--check-config says once that there is no configuration") {
    Bench bench;
    const std::string text = check_config_text(bench.load(LastGood::never), Strict::no).text;
    const std::string words = "конфигурации нет";
    REQUIRE(text.find(words) != std::string::npos);
    CHECK(text.find(words, text.find(words) + 1) == std::string::npos);
}

TEST_CASE("an env file that is not for us to read needs rights, if anything refers to it") {
    Bench bench;
    FaultyFiles files(bench.folder());
    files.fail_reading(EACCES, bench.write("opt/config.env", "A_TOKEN=x\n"));
    bench.write("etc/config.toml", k_check);
    CHECK_FALSE(bench.load_with(files).needs_rights);
    bench.write("etc/config.toml",
                std::string(k_check) +
                    "[channel.a]\ntype = \"telegram\"\ntoken = \"${A_TOKEN}\"\nchat = 7\n");
    const LoadedConfig loaded = bench.load_with(files);
    CHECK(loaded.ok());
    CHECK(loaded.needs_rights);
    CHECK(loaded.config.notes.size() == 1);
}

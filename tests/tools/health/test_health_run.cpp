// lectio-health from its command line and the text of a configuration to what it prints, sends and exits with,
// in a world that is made up: no server, no systemd, no minute to wait for.
#include "job.h"
#include "options.h"
#include "run.h"
#include "support/bare_world.h"
#include "support/fake_clock.h"
#include "support/fake_host.h"
#include "support/fake_http.h"
#include "support/fake_processes.h"
#include "support/fake_redis.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <algorithm>
#include <iostream>
#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr std::string_view k_configuration = R"(lang = "en"
host = "test-1"

[paths]
env_file = "FOLDER/config.env"
state = "FOLDER/state"
run = "FOLDER/run"
logs = "FOLDER/logs"

[health.check.nginx]
type = "systemd"
unit = "nginx.service"

[health.check.site]
type = "http"
url = "http://site.test/"
contains = 'id="root"'
needs = ["nginx"]

[[health.recovery]]
name = "nginx"
when = ["nginx", "site"]
action = "restart"
unit = "nginx.service"
test = ["nginx", "-t"]

[channel.errors]
type = "telegram"
token = "${ERRORS_BOT_TOKEN}"
chat = "${ERRORS_CHAT_ID}"
)";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    REQUIRE(text.find(what) != std::string::npos);
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

// Takes what is written to a descriptor for as long as it lives.
class Captured {
  public:
    Captured(int descriptor, Path file)
        : m_descriptor(descriptor), m_file(std::move(file)), m_before(::dup(descriptor)) {
        std::cout.flush();
        const int fresh = ::open(m_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        REQUIRE(fresh >= 0);
        ::dup2(fresh, m_descriptor);
        ::close(fresh);
    }
    ~Captured() {
        ::dup2(m_before, m_descriptor);
        ::close(m_before);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    [[nodiscard]] std::string text() const { return slurp(m_file); }

  private:
    int m_descriptor;
    Path m_file;
    int m_before;
};

struct Run {
    int exit_code = 0;
    std::string out, err;

    [[nodiscard]] nlohmann::json report() const {
        INFO(out << err);
        nlohmann::json report = nlohmann::json::parse(out, nullptr, false);
        REQUIRE(report.is_object());
        return report;
    }
};

// A host with nginx, a site behind it, and the Bot API's end of the line.
class Machine {
  public:
    Machine() {
        spill(m_folder / "config.env", "ERRORS_BOT_TOKEN=1:made-up\nERRORS_CHAT_ID=-1001\n");
        std::filesystem::permissions(m_folder / "config.env", std::filesystem::perms{0600});
        configure(configuration());
        services.units["nginx.service"] = running_unit("nginx.service");
        m_processes.answers.emplace("nginx", exited(0));
        m_http.on("http://site.test/", [this](const HttpRequest&) { return site(); });
        m_http.on("https://api.telegram.org/bot1:made-up/sendMessage", [this](const HttpRequest& request) {
            messages.push_back(nlohmann::json::parse(request.body).at("text"));
            return page(200, R"({"ok":true,"result":{"message_id":1}})");
        });
    }

    [[nodiscard]] std::string configuration() const {
        return replaced(std::string(k_configuration), "FOLDER", m_folder.path().string());
    }
    void configure(const std::string& text) { spill(m_folder / "config.toml", text); }

    // The next minute's run, as cron would start it.
    Run run(std::vector<std::string> arguments = {}) {
        m_clock.advance(std::chrono::minutes(1));
        arguments.insert(arguments.begin(), {"lectio-health", "-c", (m_folder / "config.toml").string()});
        std::vector<char*> argv;
        for (std::string& argument : arguments) {
            argv.push_back(argument.data());
        }
        const auto options = health::parse_options(static_cast<int>(argv.size()), argv.data());
        REQUIRE(std::holds_alternative<health::Options>(options));
        Run run;
        const Captured out(STDOUT_FILENO, m_folder / "out");
        const Captured err(STDERR_FILENO, m_folder / "err");
        run.exit_code = health::run(std::get<health::Options>(options),
                                    World{m_clock, m_files, m_host, m_http, m_processes, services, m_redis});
        run.out = out.text();
        run.err = err.text();
        return run;
    }
    Run report() { return run({"--format", "json"}); }

    Lock hold_the_lock() {
        std::filesystem::create_directories(m_folder / "run");
        Result<Lock> lock = m_files.lock(m_folder / "run/health.lock", "another", m_clock.now().wall);
        REQUIRE(lock.ok());
        return std::move(*lock);
    }

    void break_nginx() { services.units["nginx.service"] = failed_unit("nginx.service", "exit-code", 1, 1); }
    void jobs_help_nothing() {
        services.on_job = [](UnitState&, Services::Verb) { return JobResult{"failed", {}}; };
    }

    [[nodiscard]] std::set<std::string> files() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(m_folder.path())) {
            names.insert(entry.path().string());
        }
        return names;
    }

    FakeServices services;
    std::vector<std::string> messages; // as they reached the Bot API

  private:
    HttpAnswer site() {
        if (services.units["nginx.service"].active_state != "active") {
            return failed(HttpAnswer::Failure::refused);
        }
        return page(200, "<div id=\"root\"></div>");
    }

    TempFolder m_folder;
    FakeClock m_clock;
    SystemFiles m_files;
    FakeHost m_host;
    FakeHttp m_http{m_clock};
    FakeProcesses m_processes;
    FakeRedis m_redis;
};

} // namespace

TEST_CASE("all good: exit 0, no message, nothing restarted") {
    Machine host;
    for (int i = 0; i < 3; ++i) {
        const Run run = host.report();
        CHECK(run.exit_code == 0);
        CHECK(run.report()["status"] == "ok");
        CHECK(run.report()["checks"].size() == 2);
    }
    CHECK(host.messages.empty());
    CHECK(host.services.jobs.empty());
    const Run quiet = host.run({"-q"});
    CHECK(quiet.exit_code == 0);
    CHECK(quiet.out + quiet.err == "");
}

TEST_CASE("broken and mended in one run: exit 0 and one message, which says what was done") {
    Machine host;
    host.report();
    host.break_nginx();
    const Run run = host.report();
    CHECK(run.exit_code == 0);
    CHECK(run.report()["status"] == "ok");
    CHECK(host.services.jobs == std::vector<FakeServices::Job>{{"nginx.service", Services::Verb::restart}});
    REQUIRE(host.messages.size() == 1);
    INFO(host.messages[0]);
    CHECK(host.messages[0].starts_with("<b>✅"));
    CHECK(host.messages[0].find("nginx.service") != std::string::npos);
    host.report();
    CHECK(host.messages.size() == 1);
}

TEST_CASE("what nothing mends: the root is told, its symptom is not, and a person is called once") {
    Machine host;
    host.report();
    host.break_nginx();
    host.jobs_help_nothing();
    for (int i = 0; i < 30; ++i) {
        const Run run = host.report();
        CHECK(run.exit_code == 2);
        const nlohmann::json report = run.report();
        CHECK(report["checks"][1]["symptom_of"] == "nginx");
    }
    REQUIRE(host.messages.size() == 2);
    CHECK(host.messages[0].starts_with("<b>🚨"));
    for (const std::string& message : host.messages) {
        INFO(message);
        CHECK(message.find("nginx") != std::string::npos);
    }
}

TEST_CASE("a typo does not end the watch: the last good configuration mends, and the typo is told once") {
    Machine host;
    host.report();
    host.configure(replaced(host.configuration(), "contains", "containz"));
    host.break_nginx();
    const Run first = host.report();
    CHECK(first.exit_code == 78);
    CHECK(first.report()["status"] == "warning"); // of the configuration; the site is mended
    CHECK(host.services.jobs.size() == 1);
    REQUIRE(host.messages.size() >= 1);
    std::string told;
    for (const std::string& message : host.messages) {
        told += message + "\n";
    }
    INFO(told);
    CHECK(told.find("config.toml:17:1: unknown key") != std::string::npos);
    CHECK(told.find("✅") != std::string::npos);

    host.messages.clear();
    CHECK(host.report().exit_code == 78);
    CHECK(host.messages.empty());
    const Run text = host.run();
    CHECK(text.out.find("config.toml:17:1: unknown key \"containz\"") != std::string::npos);
    CHECK(text.err.empty()); // said once, in the report

    host.configure(host.configuration());
    CHECK(host.report().exit_code == 0);
    CHECK(host.messages.size() == 1); // its end, too
}

TEST_CASE("a configuration that is gone: where its copy is, and how to agree to its absence, is said") {
    BareWorld bare;
    LoadedConfig loaded;
    loaded.config.host = "lectio-1";
    loaded.use = LoadedConfig::Use::last_good;
    loaded.file = "/etc/lectio-monitor/config.toml";
    loaded.problems.error(
        {}, verbatim("unable to open /etc/lectio-monitor/config.toml: No such file or directory"));
    loaded.copy_of_gone = "/var/lib/lectio-monitor/config/last-good.toml";
    const Job job = health::make_job(loaded, bare.world);
    REQUIRE(job.notices.size() == 1);
    CHECK(job.notices[0].status == Status::warning);
    CHECK(job.notices[0].message.ru.find("работаем с последними верными") != std::string::npos);
    CHECK(job.notices[0].hint.en == "put it back: cp /var/lib/lectio-monitor/config/last-good.toml "
                                    "/etc/lectio-monitor/config.toml; if it is "
                                    "to be gone, remove /var/lib/lectio-monitor/config/last-good.toml, too");
}

TEST_CASE("--only with a name that no check has is a slip of the hand, never \"all good\"") {
    Machine host;
    const Run run = host.run({"--only", "ngnix"});
    CHECK(run.exit_code == 64);
    CHECK(run.out.empty());
    CHECK(run.err.find("(there are nginx, site); did you mean \"nginx\"?") != std::string::npos);

    const Run one = host.run({"--only", "site", "--format", "json"});
    CHECK(one.exit_code == 0);
    CHECK(one.report()["checks"].size() == 1);
}

TEST_CASE("--dry-run says what it would do and send, and does, sends and writes nothing") {
    Machine host;
    host.report();
    host.run(); // makes the files that catch what is printed
    host.break_nginx();
    const std::set<std::string> before = host.files();
    const Run run = host.run({"--dry-run"});
    CHECK(run.exit_code == 2);
    CHECK(run.out.find("would send:") != std::string::npos);
    CHECK(host.messages.empty());
    CHECK(host.services.jobs.empty());
    CHECK(host.files() == before);
}

TEST_CASE("--dry-run does not promise what cannot arrive") {
    Machine host;
    host.configure(replaced(host.configuration(), "${ERRORS_CHAT_ID}", "${SET_NOWHERE}"));
    host.break_nginx();
    const Run run = host.run({"--dry-run"});
    CHECK(run.out.find("would send, but no channel can be used:") != std::string::npos);
    CHECK(run.out.find("would send:") == std::string::npos);
}

TEST_CASE("--dry-run does not promise what the action itself refuses") {
    Machine host;
    host.configure(replaced(host.configuration(), "needs = [\"nginx\"]\n", "") +
                   "[[health.recovery]]\nname = \"again\"\nwhen = [\"site\"]\naction = \"start\"\n"
                   "unit = \"nginx.service\"\n");
    host.services.units["nginx.service"].id = "nginx.service";
    host.services.units["nginx.service"].load_state = "not-found";
    host.services.units["nginx.service"].active_state = "inactive";
    const Run run = host.run({"--dry-run"});
    INFO(run.out);
    const std::string_view refused = "would not act for site: there is no unit nginx.service";
    CHECK(run.out.find(refused) != std::string::npos);
    CHECK(run.out.find(refused) == run.out.rfind(refused)); // of both rungs, said once
    CHECK(run.out.find("would try") == std::string::npos);
}

TEST_CASE("without a configuration that was ever good: 78, and nothing is called good") {
    Machine host;
    // Where its state lies can still be read of it: this test is not to write where the host's own suite does.
    const std::string whole = host.configuration();
    host.configure(whole.substr(0, whole.find("[health.check.nginx]")) + "[health");
    const Run run = host.report();
    CHECK(run.exit_code == 78);
    CHECK(run.report()["status"] == "critical");
    CHECK(host.run({"--format", "nagios"}).exit_code == 2);
}

TEST_CASE("the first error leads, not a warning that stands above it") {
    Machine host;
    const std::string unset =
        replaced(host.configuration(), "host = \"test-1\"", "host = \"${NOWHERE_SET}\"");
    host.configure(replaced(unset, "contains", "containz"));
    const nlohmann::json report = host.report().report();
    CHECK(report["reason"].get<std::string>().find("unknown key \"containz\"") != std::string::npos);
}

TEST_CASE("without a channel the report says that nobody is told: a note, not a warning") {
    Machine host;
    const std::string whole = host.configuration();
    host.configure(whole.substr(0, whole.find("[channel.errors]")));
    const Run run = host.report();
    CHECK(run.exit_code == 0);
    REQUIRE(run.report()["notes"].size() == 1);
    CHECK(run.report()["notes"][0].get<std::string>().find("no alert channel") != std::string::npos);
}

TEST_CASE("every check switched off is a warning, never all good") {
    Machine host;
    std::string off =
        replaced(host.configuration(), "type = \"systemd\"", "type = \"systemd\"\nenabled = false");
    off = replaced(off, "type = \"http\"", "type = \"http\"\nenabled = false");
    host.configure(off);
    const Run run = host.report();
    CHECK(run.exit_code == 1);
    CHECK(run.report()["checks"][0]["name"] == "config");
    CHECK(run.report()["checks"][0]["message"] == "no check is switched on: nothing is watched");
    CHECK(host.run({"--format", "nagios"}).out ==
          "LECTIO WARNING - config: no check is switched on: nothing is watched; 0 of 1 checks ok |\n");
    const Run checked = host.run({"--check-config"});
    CHECK(checked.exit_code == 0);
    CHECK(checked.out.find(": warning: no check is switched on: nothing is watched\n") != std::string::npos);
    CHECK(host.run({"--check-config", "--strict"}).exit_code == 78);
}

TEST_CASE("while a run is under way, a host without a configuration is not looked at once more") {
    Machine machine;
    const std::string whole = machine.configuration();
    machine.configure(whole.substr(0, whole.find("[health.check.nginx]")));
    const auto was_looked_at = [&] {
        const std::set<std::string> files = machine.files();
        return std::any_of(files.begin(), files.end(),
                           [](const std::string& name) { return name.ends_with("discovered.json"); });
    };
    {
        const Lock held = machine.hold_the_lock();
        CHECK(machine.run().exit_code == 75);
        CHECK_FALSE(was_looked_at());
    }
    CHECK(machine.report().report().contains("checks"));
    CHECK(was_looked_at());
}

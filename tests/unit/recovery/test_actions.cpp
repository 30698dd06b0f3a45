#include "recovery/all_actions.h"
#include "recovery/fix_permissions.h"
#include "recovery/unit_action.h"
#include "support/bare_world.h"
#include "support/fake_services.h"
#include "support/temp_folder.h"

#include <csignal>
#include <set>

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

using Kind = Readiness::Kind;
using Verb = Services::Verb;

// Answers every program as the test says.
class FakeProcesses final : public Processes {
  public:
    ProcessAnswer answer;
    std::vector<ProcessRequest> requests;
    Result<ProcessAnswer> run(const ProcessRequest& request) override {
        requests.push_back(request);
        return answer;
    }
};

struct Scene {
    BareWorld bare;
    FakeServices services;
    FakeProcesses processes;
    World world{bare.clock, bare.files, bare.host, bare.http, processes, services, bare.redis};
    ActionContext context{world, bare.clock.steady() + 30s, {}};

    Scene() {
        services.units["nginx.service"] = running_unit("nginx.service");
        processes.answer.exit_status = 0;
    }
    std::unique_ptr<Action> action(std::string_view type, std::vector<std::string> test = {}) {
        const UnitActionSettings settings{"nginx", std::move(test)};
        return find_action_type(type)->make(&settings);
    }
    UnitState& nginx() { return services.units.at("nginx.service"); }
};

// The settings of a type, filled as the configuration would fill them.
std::unique_ptr<Action> made(std::string_view type, const Node::Table& table) {
    const ActionType* entry = find_action_type(type);
    REQUIRE(entry != nullptr);
    const std::shared_ptr<void> settings = entry->schema().make();
    Problems problems;
    Reading reading{problems, {}};
    const Target target{&entry->schema(), settings.get()};
    read_table(Node(table, {}), {&target, 1}, reading);
    return problems.has_errors() ? nullptr : entry->make(settings.get());
}

Member member(const std::string& key, Node::Value value) {
    return Member{key, {}, {Node(std::move(value), {})}};
}

} // namespace

TEST_CASE("Every action is in the table once, with help and keys") {
    std::set<std::string_view> names;
    for (const ActionType& type : all_actions()) {
        CHECK(names.insert(type.name).second);
        CHECK_FALSE(type.help.empty());
        CHECK_FALSE(type.schema().rows().empty());
    }
    CHECK(names == std::set<std::string_view>{"exec", "fix-permissions", "reload", "restart",
                                              "restore-frontend", "rollback", "start"});
    CHECK(find_action_type("rm") == nullptr);
}

TEST_CASE("A running unit may be restarted; systemd's answer is told") {
    Scene scene;
    const auto restart = scene.action("restart");
    CHECK(restart->target() == "nginx.service");
    CHECK(restart->look(scene.context).kind == Kind::go);
    CHECK(scene.services.jobs.empty()); // looking changes nothing
    CHECK(restart->act(scene.context).ok);
    CHECK(scene.services.jobs == std::vector<FakeServices::Job>{{"nginx.service", Verb::restart}});
}

TEST_CASE("A broken configuration is never restarted into") {
    Scene scene;
    scene.processes.answer.exit_status = 1;
    scene.processes.answer.err = "\nnginx: [emerg] unknown directive \"sever\" in /etc/nginx/nginx.conf:7\n"
                                 "nginx: configuration file /etc/nginx/nginx.conf test failed\n";
    const auto action = scene.action(GENERATE("restart", "reload"), {"nginx", "-t"});
    scene.nginx().can_reload = true;
    const Readiness ready = action->look(scene.context);
    CHECK(ready.kind == Kind::refused);
    CHECK(ready.words.en.find("unknown directive") != std::string::npos);
    CHECK(scene.processes.requests.at(0).command == std::vector<std::string>{"nginx", "-t"});
}

TEST_CASE("Of Python's tracebacks the last exception is told, not the rest of its message") {
    Scene scene;
    scene.processes.answer.exit_status = 1;
    scene.processes.answer.err = "Traceback (most recent call last):\n  File \"a.py\", line 1\n"
                                 "UndefinedTable: relation \"no_such\" does not exist\n"
                                 "LINE 1: DELETE FROM no_such\n                    ^\n\n\n"
                                 "The above exception was the direct cause of the following exception:\n\n"
                                 "Traceback (most recent call last):\n  File \"b.py\", line 2\n    act()\n"
                                 "django.db.utils.ProgrammingError: relation \"no_such\" does not exist\n"
                                 "LINE 1: DELETE FROM no_such\n                    ^\n";
    const Readiness ready = scene.action("restart", {"manage.py", "check"})->look(scene.context);
    CHECK(ready.words.en.find("ProgrammingError: relation \"no_such\" does not exist") != std::string::npos);
    scene.processes.answer.err = "Traceback (most recent call last):\n  cut off\n";
    const Readiness cut = scene.action("restart", {"manage.py", "check"})->look(scene.context);
    CHECK(cut.words.en.find("cut off") != std::string::npos);
}

TEST_CASE("What systemd is starting by itself is waited for") {
    Scene scene;
    scene.nginx().active_state = "activating";
    scene.nginx().sub_state = "auto-restart";
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::wait);
    CHECK(scene.action("restart")->look(scene.context).at_most == 0s);
    scene.nginx().sub_state = "start";
    scene.nginx().start_timeout = 20s;
    CHECK(scene.action("restart")->look(scene.context).at_most == 20s);
}

TEST_CASE("A unit that somebody is restarting is waited for, one that is merely stopped is not") {
    Scene scene;
    scene.nginx().active_state = "deactivating";
    scene.nginx().job = "stop";
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::go);
    scene.nginx().job = "restart";
    const Readiness ready = scene.action("restart")->look(scene.context);
    CHECK(ready.kind == Kind::wait);
    CHECK(ready.words.en == "nginx.service is being restarted already");
}

TEST_CASE("A unit that somebody has just started gets the time to come up that is left to it") {
    Scene scene;
    scene.context.start_up = 10s;
    scene.nginx().can_reload = true;
    scene.nginx().state_changed = scene.bare.clock.now().wall - 3s;
    const Readiness ready = scene.action(GENERATE("restart", "reload"))->look(scene.context);
    CHECK(ready.kind == Kind::wait);
    CHECK(ready.at_most == 7s);
    CHECK(ready.words.en == "nginx.service was started 3 seconds ago");
    scene.nginx().state_changed = scene.bare.clock.now().wall - 10s;
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::go);
    scene.nginx().state_changed = scene.bare.clock.now().wall + 1h; // the clock was set back
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::go);
}

TEST_CASE("Units that cannot be started are refused") {
    Scene scene;
    scene.nginx().load_state = GENERATE("masked", "not-found", "bad-setting");
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::refused);
}

TEST_CASE("Without systemd everything is refused with its words") {
    Scene scene;
    scene.services.broken = Error{ErrorKind::not_found, "systemd is not running on this host"};
    const Readiness ready = scene.action(GENERATE("restart", "start", "reload"))->look(scene.context);
    CHECK(ready.kind == Kind::refused);
    CHECK(ready.words.en == "systemd is not running on this host");
}

TEST_CASE("With limits that cannot be stored, a unit that started just now is left alone") {
    Scene scene;
    scene.context.least_uptime = 5min;
    scene.nginx().state_changed = scene.bare.clock.now().wall - 1min;
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::refused);
    scene.nginx().state_changed = scene.bare.clock.now().wall - 6min;
    CHECK(scene.action("restart")->look(scene.context).kind == Kind::go);
    scene.nginx() = failed_unit("nginx.service", "exit-code", CLD_EXITED, 1);
    scene.nginx().state_changed = scene.bare.clock.now().wall - 1s;
    CHECK(scene.action("restart")->look(scene.context).kind ==
          Kind::go); // it is down: starting it cannot hurt
}

TEST_CASE("With limits that cannot be stored, what leaves no trace of when it was done is refused") {
    Scene scene;
    scene.context.least_uptime = 5min;
    scene.nginx().can_reload = true;
    scene.nginx().state_changed = scene.bare.clock.now().wall - 24h; // a reload does not change it
    CHECK(scene.action("reload")->look(scene.context).kind == Kind::refused);
    const auto exec =
        made("exec", {member("command", Node::Array{Node(std::string("/usr/local/sbin/mend"), {})})});
    const Readiness ready = exec->look(scene.context);
    CHECK(ready.kind == Kind::refused);
    CHECK(ready.words.en.find("/usr/local/sbin/mend") != std::string::npos);
}

TEST_CASE("A restart that was cut short never leaves the unit stopped") {
    Scene scene;
    scene.services.on_job = [](UnitState& unit, Verb verb) {
        unit = verb == Verb::restart ? failed_unit(unit.id, "timeout", CLD_KILLED, SIGTERM)
                                     : running_unit(unit.id);
        return JobResult{verb == Verb::restart ? "canceled" : "done", 10ms};
    };
    const ActionResult result = scene.action("restart")->act(scene.context);
    CHECK(result.ok);
    CHECK(scene.services.jobs ==
          std::vector<FakeServices::Job>{{"nginx.service", Verb::restart}, {"nginx.service", Verb::start}});
}

TEST_CASE("A restart that systemd has not finished in time is no success") {
    Scene scene;
    scene.services.on_job = [](UnitState&, Verb) { return JobResult{"no answer", 30s}; };
    CHECK_FALSE(scene.action("restart")->act(scene.context).ok);
    CHECK(scene.services.jobs.size() == 1);
}

TEST_CASE("start has nothing to change on a running unit") {
    Scene scene;
    CHECK(scene.action("start")->look(scene.context).kind == Kind::nothing_to_change);
    scene.nginx() = failed_unit("nginx.service", "signal", CLD_KILLED, SIGKILL);
    CHECK(scene.action("start")->look(scene.context).kind == Kind::go);
}

TEST_CASE("reload needs a running unit that knows how") {
    Scene scene;
    CHECK(scene.action("reload")->look(scene.context).kind == Kind::refused);
    scene.nginx().can_reload = true;
    CHECK(scene.action("reload")->look(scene.context).kind == Kind::go);
    scene.nginx().active_state = "inactive";
    CHECK(scene.action("reload")->look(scene.context).kind == Kind::refused);
}

TEST_CASE("exec runs the operator's program and tells how it ended") {
    Scene scene;
    const auto exec =
        made("exec", {member("command", Node::Array{Node(std::string("/usr/local/sbin/mend"), {})}),
                      member("user", std::string("www-data")), member("timeout", std::string("20s"))});
    REQUIRE(exec != nullptr);
    CHECK(exec->look_with().empty()); // what acts is nothing to look with
    CHECK(exec->look(scene.context).kind == Kind::go);
    CHECK(exec->act(scene.context).ok);
    CHECK(scene.processes.requests.at(0).user == "www-data");
    CHECK(scene.processes.requests.at(0).timeout == 20s);
    scene.processes.answer.exit_status = 2;
    scene.processes.answer.out = "no such thing\n";
    const ActionResult failed = exec->act(scene.context);
    CHECK_FALSE(failed.ok);
    CHECK(failed.detail.en == "exit status 2: no such thing");
    scene.processes.answer.timed_out = true;
    CHECK_FALSE(exec->act(scene.context).ok);
}

TEST_CASE("fix-permissions looks before it mends, and finds nothing to change afterwards") {
    Scene scene;
    TempFolder folder;
    spill(folder / "index.html", "<div id=\"root\">");
    ::chmod((folder / "index.html").c_str(), 0600);
    ::chmod(folder.path().c_str(), 0755);
    const auto fix = made("fix-permissions", {member("path", folder.path().string())});
    REQUIRE(fix != nullptr);
    CHECK(fix->look(scene.context).kind == Kind::go);
    const ActionResult result = fix->act(scene.context);
    CHECK(result.ok);
    CHECK(result.detail.en.find("1 file or folder") == 0);
    CHECK(fix->look(scene.context).kind == Kind::nothing_to_change);
}

TEST_CASE("fix-permissions of the whole host is a mistake in the configuration") {
    const auto path =
        GENERATE(as<std::string>{}, "/", "/etc", "/var/", "/srv/..", "/srv", "/srv/", "/usr/bin", "/usr/lib/",
                 "/etc/ssl", "/etc/nginx/sites", "/var/lib", "/var/lib/mysql", "/var/log/nginx", "/home/anna",
                 "/root/site", "/home/anna/.ssh", "/usr/local/bin", "/usr/share/nginx", "/lib64/x", "/run/x",
                 "/srv/site/../../usr/lib");
    CHECK(made("fix-permissions", {member("path", path)}) == nullptr);
}

TEST_CASE("fix-permissions is for where sites lie") {
    const auto path =
        GENERATE(as<std::string>{}, "/var/www", "/var/www/site/build/", "/srv/site", "/opt/app/static",
                 "/home/anna/site", "/usr/share/nginx/html", "/usr/local/www/site", "/var/lib/app/static",
                 "/tmp/site", "/library/site", "/etcetera/site");
    CHECK(made("fix-permissions", {member("path", path)}) != nullptr);
}

TEST_CASE("fix-permissions gives no bits that open the host") {
    const auto mode = GENERATE(as<std::string>{}, "4755", "2755", "1755", "666", "777", "002");
    const auto key = GENERATE("dirs", "files");
    CHECK(made("fix-permissions", {member("path", std::string("/srv/site")), member(key, mode)}) == nullptr);
    CHECK(made("fix-permissions",
               {member("path", std::string("/srv/site")), member(key, std::string("775"))}) != nullptr);
}

TEST_CASE("A folder that is not there is refused with its name") {
    Scene scene;
    TempFolder folder;
    const auto fix = made("fix-permissions", {member("path", (folder / "gone").string())});
    CHECK(fix->look(scene.context).kind == Kind::refused);
}

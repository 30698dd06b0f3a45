#include "checks/django.h"
#include "support/bare_world.h"
#include "support/fake_processes.h"

#include <catch2/catch.hpp>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

DjangoSettings settings_for(bool deploy_check = false) {
    DjangoSettings settings;
    settings.manage = "/srv/app/manage.py";
    settings.python = "/srv/app/venv/bin/python";
    settings.user = "nobody";
    settings.deploy_check = deploy_check;
    return settings;
}

constexpr const char* k_applied =
    "[X]  auth.0001_initial\n[X]  lessons.0001_initial ... (auth.0001_initial)\n";
constexpr const char* k_warned = "System check identified some issues:\n\nWARNINGS:\n"
                                 "?: (security.W004) You have not set a value for SECURE_HSTS_SECONDS.\n"
                                 "?: (security.W018) You should not have DEBUG set to True in deployment.\n\n"
                                 "System check identified 2 issues (0 silenced).\n";

CheckResult judged(ProcessAnswer migrations, std::optional<ProcessAnswer> deploy = {}) {
    DjangoSample sample;
    sample.migrations = std::move(migrations);
    sample.deploy = std::move(deploy);
    sample.user = "www-data";
    return evaluate_django(sample, settings_for());
}

CheckResult look(FakeProcesses& processes, const DjangoSettings& settings) {
    BareWorld bare;
    World world{bare.clock, bare.files, bare.host, bare.http, processes, bare.services, bare.redis};
    const std::map<std::string, std::string> nothing;
    const CheckContext context{world, bare.clock.now(), bare.clock.steady() + 30s, nothing};
    const std::unique_ptr<Check> check = django_check_type().make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run(context);
}

} // namespace

TEST_CASE("migrations that are not applied are counted and named", "[django]") {
    CHECK(judged(exited(0, k_applied)).message.en == "2 migrations applied");
    CHECK(judged(exited(0, k_applied)).message.ru == "2 миграции применены");
    const CheckResult one =
        judged(exited(0, std::string(k_applied) + "[ ]  lessons.0002_room ... (lessons.0001)\n"));
    CHECK(one.status == Status::warning);
    CHECK(one.message.en == "1 migration is not applied: lessons.0002_room");
    CHECK(
        one.hint.en ==
        "code and database do not fit: sudo -u www-data /srv/app/venv/bin/python /srv/app/manage.py migrate");
    std::string many = k_applied;
    for (int i = 2; i < 7; ++i) {
        many += fmt::format("[ ]  lessons.000{}_x\n", i);
    }
    CHECK(judged(exited(0, many)).message.ru ==
          "5 миграций не применено: lessons.0002_x, lessons.0003_x, lessons.0004_x …");
    CHECK(judged(exited(0, "(no migrations)\n")).message.en == "the project has no migrations");
    CHECK(judged(exited(0, "\n")).status == Status::unknown);
}

TEST_CASE("a manage.py that fails is told by its last words", "[django]") {
    const CheckResult broken = judged(exited(
        1, "",
        "Traceback (most recent call last):\n  File \"x\"\nImportError: no module named 'a\x1b[1m'\n"));
    CHECK(broken.status == Status::critical);
    CHECK(broken.message.en.find("manage.py showmigrations fails: ImportError: no module named 'a") == 0);
    CHECK(broken.message.en.find('\x1b') == std::string::npos);
    ProcessAnswer late;
    late.timed_out = true;
    CHECK(judged(late).message.en == "manage.py showmigrations has not ended within 60 s");
    ProcessAnswer killed;
    killed.signal = 9;
    CHECK(judged(killed).status == Status::critical);
    CHECK(judged(killed).message.en == "manage.py showmigrations fails: ended by signal SIGKILL");
    CHECK(judged(killed).message.ru == "manage.py showmigrations не работает: завершена сигналом SIGKILL");
}

TEST_CASE("what check --deploy remarks", "[django]") {
    const CheckResult warned = judged(exited(0, k_applied), exited(0, "", k_warned));
    CHECK(warned.status == Status::warning);
    CHECK(warned.message.en == "check --deploy: 2 remarks (security.W004, security.W018)");
    const CheckResult wrong =
        judged(exited(0, k_applied), exited(1, "", "ERRORS:\napp.Model: (models.E006) The field clashes.\n"));
    CHECK(wrong.status == Status::critical);
    const CheckResult both = judged(exited(0, "[ ]  a.0001\n"), exited(0, "", k_warned));
    CHECK(both.message.en ==
          "1 migration is not applied: a.0001; check --deploy: 2 remarks (security.W004, security.W018)");
    CHECK(judged(exited(0, k_applied), exited(0, "System check identified no issues (0 silenced).\n"))
              .message.en == "2 migrations applied, check --deploy finds nothing");
    CHECK(judged(exited(0, k_applied), exited(1, "", "boom")).status == Status::critical);
}

TEST_CASE("manage.py is run as the user of the site, without a shell", "[django]") {
    FakeProcesses processes;
    processes.answers.emplace("/srv/app/venv/bin/python", exited(0, k_applied));
    CHECK(look(processes, settings_for(true)).status == Status::ok);
    const std::vector<ProcessRequest> asked = processes.asked();
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].command == std::vector<std::string>{"/srv/app/venv/bin/python", "-B", "/srv/app/manage.py",
                                                       "showmigrations", "--plan", "--no-color"});
    CHECK(asked[1].command.at(4) == "--deploy");
    CHECK(asked[0].user == "nobody");
    CHECK(asked[0].folder == "/srv/app");

    FakeProcesses none;
    CHECK(look(none, settings_for()).status == Status::unknown);
    DjangoSettings nobody = settings_for();
    nobody.user.clear();
    nobody.manage = "/nosuch/manage.py";
    CHECK(look(none, nobody).status == Status::unknown);
    CHECK(look(none, nobody).hint.en ==
          "correct manage, python and user of this check: ls -l /nosuch/manage.py /srv/app/venv/bin/python");
    CHECK(none.asked().size() == 1); // not as root instead
    nobody.manage = "/etc/passwd";   // root's
    const CheckResult roots = look(none, nobody);
    CHECK(roots.status == Status::unknown);
    CHECK(roots.message.en ==
          "manage.py could not be started: it belongs to root, and the key `user` does not say who runs it");
    CHECK(roots.hint.en == "say in this check who runs it: user = \"www-data\"");
    CHECK(none.asked().size() == 1);
    nobody.user = "root"; // who says so gets it
    look(none, nobody);
    CHECK(none.asked().size() == 2);
}

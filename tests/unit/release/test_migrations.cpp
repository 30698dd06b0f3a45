// What migrations would do to the data, as a real Django says it.
#include "django_site.h"
#include "release/migrations.h"

#include <filesystem>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::release;

namespace {

class Project {
  public:
    explicit Project(const std::map<std::string, MadeUpMigration>& migrations) {
        for (const auto& [path, content] : django_project("db.sqlite3", migrations)) {
            std::filesystem::create_directories((folder / path).parent_path());
            spill(folder / path, content);
        }
    }
    ProcessAnswer manage(std::vector<std::string> words) const {
        SystemProcesses processes;
        ProcessRequest request;
        request.command = {python_with_django(), "manage.py"};
        request.command.insert(request.command.end(), words.begin(), words.end());
        request.folder = folder.path().string();
        request.timeout = std::chrono::minutes(2);
        return processes.run(request).value();
    }
    [[nodiscard]] Result<WaitingMigrations> waiting() const {
        return waiting_migrations_from(manage({"shell", "-c", program_that_classes_migrations()}).out);
    }

    TempFolder folder;
};

} // namespace

TEST_CASE("every operation of Django's has its class", "[migrations]") {
    if (python_with_django().empty()) {
        WARN("no Django on this machine: skipped");
        return;
    }
    const std::map<std::string, MadeUpMigration> migrations{
        {"0002_a", {"migrations.AddField('lesson', 'room', models.TextField(null=True))"}},
        {"0003_b", {"migrations.AddField('lesson', 'level', models.IntegerField(default=0))"}},
        {"0004_c", {"migrations.RemoveField('lesson', 'notes')"}},
        {"0005_d", {"migrations.RunSQL('UPDATE lessons_lesson SET level = 1')", "atomic = False"}},
        {"0006_e", {"migrations.RunPython(print, migrations.RunPython.noop)"}},
        {"0007_f", {"migrations.RunPython(print, print)", "rollback_safe = True"}},
        {"0008_g",
         {"migrations.AlterField('lesson', 'title', models.CharField(max_length=80, help_text='x'))"}},
        {"0009_h", {"migrations.AlterField('lesson', 'title', models.CharField(max_length=20))"}},
        {"0010_i", {"migrations.AlterField('lesson', 'title', models.CharField(max_length=20, blank=True))"}},
        {"0011_j", {"migrations.RenameField('lesson', 'title', 'name')"}},
        {"0012_k", {"migrations.AlterField('lesson', 'level', models.TextField())"}},
        {"0013_l",
         {"migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField('lesson', "
          "'room')])"}},
        {"0014_m",
         {"migrations.SeparateDatabaseAndState(database_operations=[migrations.DeleteModel('lesson')])"}},
        {"0015_n", {"type('Own', (migrations.AddField,), {})('lesson', 'own', models.TextField(null=True))"}},
        {"0016_o", {"migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"}},
        {"0017_p", {"migrations.AlterField('lesson', 'name', models.CharField(max_length=20, null=True))"}},
        {"0018_q", {"migrations.AlterField('lesson', 'name', models.CharField(max_length=20, default='x'))"}},
        {"0019_r", {""}},
    };
    const Project project(migrations);
    INFO(project.manage({"shell", "-c", program_that_classes_migrations()}).err);
    const Result<WaitingMigrations> waiting = project.waiting();
    REQUIRE(waiting.ok());
    using enum MigrationClass;
    const std::vector<MigrationClass> expected{additive /* the first */,
                                               additive,
                                               reversible,
                                               lossy,
                                               irreversible,
                                               irreversible,
                                               reversible,
                                               reversible,
                                               lossy,
                                               additive,
                                               reversible,
                                               lossy,
                                               additive,
                                               lossy,
                                               irreversible,
                                               additive,
                                               reversible,
                                               lossy,
                                               additive};
    REQUIRE(waiting->all.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        INFO(waiting->all[i].name);
        CHECK(to_string(waiting->all[i].what) == to_string(expected[i]));
        CHECK(waiting->all[i].is_atomic == (waiting->all[i].name != "lessons.0005_d"));
        CHECK(waiting->all[i].is_rollback_safe == (waiting->all[i].name == "lessons.0007_f"));
        CHECK(waiting->all[i].because.empty() == (expected[i] == additive));
    }
    CHECK(waiting->worst() == irreversible);
    CHECK(waiting->all[3].because == std::vector<std::string>{"Remove field notes from lesson"});
    CHECK(waiting->before == std::map<std::string, std::string>{{"lessons", "zero"}});
    CHECK(waiting->engine == "sqlite");
    CHECK(std::filesystem::path(waiting->database).filename() == "db.sqlite3");

    REQUIRE(project.manage({"migrate", "lessons", "0003_b"}).exit_status == 0);
    const Result<WaitingMigrations> later = project.waiting();
    REQUIRE(later.ok());
    CHECK(later->all.size() == expected.size() - 3);
    CHECK(later->before == std::map<std::string, std::string>{{"lessons", "0003_b"}});
}

TEST_CASE("what Django does not say is not made up", "[migrations]") {
    CHECK_FALSE(waiting_migrations_from("").ok());
    CHECK_FALSE(waiting_migrations_from("lectio-migrations: {\"migrations\": 1}\n").ok());
    const Result<WaitingMigrations> odd = waiting_migrations_from(
        "talk\nlectio-migrations: {\"migrations\": [{\"name\": \"a.b\", \"class\": \"harmless\","
        " \"because\": [1]}, 2]}\n");
    REQUIRE(odd.ok());
    REQUIRE(odd->all.size() == 1);
    CHECK(odd->worst() == MigrationClass::irreversible);
    CHECK_FALSE(odd->all.front().is_atomic);
    CHECK(waiting_migrations_from("lectio-migrations: {\"migrations\": []}\n")->worst() ==
          MigrationClass::additive);
}

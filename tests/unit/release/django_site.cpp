#include "django_site.h"

namespace lectio::release {
namespace {

constexpr const char* k_manage = R"(import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
)";

constexpr const char* k_settings = R"(import os, urllib.parse
HERE = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = "made up"
INSTALLED_APPS = ["lessons"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
url = urllib.parse.urlsplit("PLACE")
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "USER": url.username,
                         "HOST": url.hostname, "PORT": url.port} if url.scheme == "postgresql"
             else {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(HERE, "PLACE")}}
print("settings like to talk")
)";

constexpr const char* k_first = R"(from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [migrations.CreateModel("Lesson", [("id", models.AutoField(primary_key=True)),
                                                    ("title", models.CharField(max_length=40)),
                                                    ("notes", models.TextField(default=""))])]
)";

std::string migration_after(const std::string& before, const MadeUpMigration& migration) {
    return "from django.db import migrations, models\n"
           "class Migration(migrations.Migration):\n"
           "    dependencies = [('lessons', '" +
           before + "')]\n    " + migration.more + "\n    operations = [" + migration.operations + "]\n";
}

} // namespace

std::string python_with_django() {
    SystemProcesses processes;
    ProcessRequest request;
    request.command = {"/usr/bin/python3", "-c", "import django"};
    request.timeout = std::chrono::minutes(2);
    const Result<ProcessAnswer> answer = processes.run(request);
    return answer && answer->exit_status == 0 ? request.command.front() : std::string();
}

ProjectFiles django_project(const std::string& data,
                            const std::map<std::string, MadeUpMigration>& migrations) {
    std::string settings = k_settings;
    for (std::size_t at = settings.find("PLACE"); at != settings.npos; at = settings.find("PLACE")) {
        settings.replace(at, 5, data);
    }
    ProjectFiles files{{"manage.py", k_manage},
                       {"site_settings.py", settings},
                       {"lessons/__init__.py", ""},
                       {"lessons/migrations/__init__.py", ""},
                       {"lessons/migrations/0001_initial.py", k_first}};
    std::string before = "0001_initial";
    for (const auto& [name, migration] : migrations) {
        files["lessons/migrations/" + name + ".py"] = migration_after(before, migration);
        before = name;
    }
    return files;
}

} // namespace lectio::release

#include "release/migrations.h"

#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

using Json = nlohmann::json;

constexpr std::string_view k_mark = "lectio-migrations: ";
constexpr std::size_t k_most_reasons = 5;

// From docs.djangoproject.com, ref/migration-operations. Exact types: a class that is derived from a known operation may
// do anything.
constexpr std::string_view k_program = R"(
import json
from django.db import connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.models.fields import NOT_PROVIDED

CLASSES = ["additive", "reversible", "lossy", "irreversible"]
# What a field says of itself that its column does not know.
BESIDE = {"auto_now", "auto_now_add", "blank", "choices", "db_comment", "default", "editable", "error_messages", "help_text",
          "limit_choices_to", "on_delete", "related_name", "related_query_name", "serialize", "validators", "verbose_name"}

def may_stay_empty(field):
    return field.null or field.many_to_many or getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED

def of_new_field(operation, before, migration):
    return "additive" if may_stay_empty(operation.field) else "reversible"

def of_altered_field(operation, before, migration):
    model = before.models[migration.app_label, operation.model_name.lower()]
    old = dict(model.fields)[operation.name].deconstruct()[1:]
    new = operation.field.deconstruct()[1:]
    was, becomes = ({name: word for name, word in words.items() if name not in BESIDE} for path, more, words in (old, new))
    if old[:2] != new[:2]:
        return "lossy"
    def keeps_all(name):
        if name == "null":
            return becomes.get("null", False)
        if name == "max_length":
            return becomes.get(name) is None or was.get(name) is not None and becomes[name] >= was[name]
        return name in ("unique", "db_index", "db_column")
    differ = [name for name in was.keys() | becomes.keys() if was.get(name) != becomes.get(name)]
    return "additive" if not differ else "reversible" if all(map(keeps_all, differ)) else "lossy"

def of_program(operation, before, migration):
    forth, back = ((operation.sql, operation.reverse_sql) if isinstance(operation, migrations.RunSQL)
                   else (operation.code, operation.reverse_code))
    if forth == back == type(operation).noop:
        return "additive"
    return "reversible" if operation.reversible and getattr(migration, "rollback_safe", False) is True else "irreversible"

def of_parts(operation, before, migration):
    return worst([class_of(part, before, migration) for part in operation.database_operations])

def always(name):
    return lambda operation, before, migration: name

KNOWN = {"CreateModel": always("additive"), "AlterModelOptions": always("additive"), "AlterModelManagers": always("additive"),
         "AlterModelTableComment": always("additive"), "AddIndex": always("additive"), "AddField": of_new_field,
         "AlterField": of_altered_field, "RemoveIndex": always("reversible"), "RenameIndex": always("reversible"),
         "AddConstraint": always("reversible"), "RemoveConstraint": always("reversible"),
         "AlterUniqueTogether": always("reversible"), "AlterIndexTogether": always("reversible"),
         "AlterModelTable": always("reversible"), "RenameField": always("reversible"), "RenameModel": always("reversible"),
         "RemoveField": always("lossy"), "DeleteModel": always("lossy"), "AlterOrderWithRespectTo": always("lossy"),
         "RunPython": of_program, "RunSQL": of_program, "SeparateDatabaseAndState": of_parts}
KNOWN = {getattr(migrations, name): judge for name, judge in KNOWN.items() if hasattr(migrations, name)}

def worst(names):
    return max(names, key=CLASSES.index, default="additive")

def class_of(operation, before, migration):
    judge = KNOWN.get(type(operation))
    try:
        return judge(operation, before, migration) if judge else "irreversible"
    except Exception:
        return "irreversible"

executor = MigrationExecutor(connection)
executor.loader.check_consistent_history(connection)
conflicts = executor.loader.detect_conflicts()
if conflicts:
    raise SystemExit("conflicting migrations: %s" % "; ".join("%s: %s" % (app, ", ".join(names)) for app, names in conflicts.items()))
state = executor._create_project_state(with_applied_migrations=True)
found, before_all = [], {}
for migration, backwards in executor.migration_plan(executor.loader.graph.leaf_nodes()):
    operations = []
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        operations.append((class_of(operation, before, migration), operation))
    name = worst([each for each, operation in operations])
    found.append({"name": "%s.%s" % (migration.app_label, migration.name), "class": name, "atomic": migration.atomic,
                  "safe": getattr(migration, "rollback_safe", False) is True,
                  "because": [operation.describe() for each, operation in operations if each == name != "additive"]})
    if migration.app_label not in before_all:
        node = executor.loader.graph.node_map[migration.app_label, migration.name]
        before_all[migration.app_label] = max([above.key[1] for above in node.parents if above.key[0] == migration.app_label],
                                              default="zero")
identity = ""
if connection.vendor == "postgresql":
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database() || ' ' || extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text")
        identity = cursor.fetchone()[0]
print("\nlectio-migrations: " + json.dumps({"migrations": found, "before": before_all, "engine": connection.vendor,
                                            "database": str(connection.settings_dict["NAME"]), "identity": identity}))
)";

constexpr Phrase k_additive{"adds, takes nothing away", "только добавляет"};
constexpr Phrase k_reversible{"reversible, the code that runs now may fail with it",
                              "обратимая, но работающий код может с ней не справиться"};
constexpr Phrase k_lossy{"loses data", "теряет данные"};
constexpr Phrase k_irreversible{"irreversible, or nobody knows the way back",
                                "необратимая, или обратный путь никому не известен"};
constexpr Phrase k_migration{"{}: {}", "{}: {}"};
constexpr Phrase k_migration_because{"{}: {} ({})", "{}: {} ({})"};

constexpr std::array<std::pair<MigrationClass, std::string_view>, 4> k_classes{{
    {MigrationClass::additive, "additive"},
    {MigrationClass::reversible, "reversible"},
    {MigrationClass::lossy, "lossy"},
    {MigrationClass::irreversible, "irreversible"},
}};

// It becomes an argument of manage.py.
bool is_word(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_';
    });
}

Migration migration_from(const Json& json) {
    Migration migration;
    migration.name = clean_line(text_of(json, "name"));
    const std::string word = text_of(json, "class");
    const auto* found =
        std::find_if(k_classes.begin(), k_classes.end(), [&](const auto& row) { return row.second == word; });
    migration.what = found == k_classes.end() ? MigrationClass::irreversible : found->first;
    migration.is_atomic = flag_of(json, "atomic");
    migration.is_rollback_safe = flag_of(json, "safe");
    const auto reasons = json.find("because");
    const bool listed = reasons != json.end() && reasons->is_array();
    for (std::size_t i = 0; listed && i < std::min(reasons->size(), k_most_reasons); ++i) {
        const Json& reason = (*reasons)[i];
        migration.because.push_back(
            shorten(clean_line(reason.is_string() ? reason.get<std::string>() : ""), 120));
    }
    return migration;
}

} // namespace

std::string_view to_string(MigrationClass what) {
    const auto* found =
        std::find_if(k_classes.begin(), k_classes.end(), [&](const auto& row) { return row.first == what; });
    return found->second;
}

MigrationClass WaitingMigrations::worst() const {
    MigrationClass worst = MigrationClass::additive;
    for (const Migration& migration : all) {
        worst = std::max(worst, migration.what);
    }
    return worst;
}

bool WaitingMigrations::needs_fence() const {
    const bool whole =
        std::all_of(all.begin(), all.end(), [](const Migration& each) { return each.is_atomic; });
    return !all.empty() && (worst() != MigrationClass::additive || !whole || behind_page);
}

std::string WaitingMigrations::way_back() const {
    const bool is_safe = std::all_of(all.begin(), all.end(), [](const Migration& each) {
        return each.is_rollback_safe && each.what <= MigrationClass::reversible;
    });
    std::string way;
    for (const auto& [app, name] : before) {
        if (!is_word(app) || !is_word(name)) {
            return {};
        }
        way += fmt::format("{}{}={}", way.empty() ? "" : " ", app, name);
    }
    return is_safe ? way : std::string();
}

Text words_of(const Migration& migration) {
    constexpr std::array<const Phrase*, 4> k_words{&k_additive, &k_reversible, &k_lossy, &k_irreversible};
    const Text what = say(*k_words.at(static_cast<std::size_t>(migration.what)));
    return migration.because.empty() ? say(k_migration, migration.name, what)
                                     : say(k_migration_because, migration.name, what,
                                           fmt::format("{}", fmt::join(migration.because, "; ")));
}

// Old ones run what they are given inside a function, where its parts would not find each other.
std::string program_that_classes_migrations() {
    return fmt::format("exec({}, {{}})", Json(k_program).dump());
}

Result<WaitingMigrations> waiting_migrations_from(std::string_view printed) {
    for (const std::string_view line : split_lines(printed)) {
        if (!line.starts_with(k_mark)) {
            continue;
        }
        const Json json = json_within_depth(line.substr(k_mark.size()));
        const auto list = json.find("migrations");
        if (list == json.end() || !list->is_array()) {
            continue;
        }
        WaitingMigrations waiting;
        for (const Json& each : *list) {
            if (each.is_object()) {
                waiting.all.push_back(migration_from(each));
            }
        }
        const Json before = object_of(json, "before");
        for (const auto& [app, name] : before.items()) {
            waiting.before[app] = name.is_string() ? name.get<std::string>() : "";
        }
        waiting.engine = text_of(json, "engine");
        waiting.database = text_of(json, "database");
        waiting.identity = text_of(json, "identity");
        return waiting;
    }
    return Error{ErrorKind::invalid, "the project's Django does not say what its migrations do"};
}

} // namespace lectio::release

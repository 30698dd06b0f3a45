// Migrations that wait, and what each would do to the data: asked of the new code's own Django, which alone knows.
//
//     additive      the code that runs now goes on as before: new tables, columns that may stay empty
//     reversible    the code that runs now may fail, but nothing is lost on the way there or back: names, wider columns
//     lossy         what users have stored is thrown away or narrowed: columns and tables that go, other types
//     irreversible  there is no way back, or nobody knows one: programs, SQL, operations that we do not know
//
// A program or SQL with a way back counts as reversible where its migration says `rollback_safe = True`.
#pragma once

#include "util/result.h"
#include "words/phrase.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

enum class MigrationClass { additive, reversible, lossy, irreversible }; // from the harmless to the worst
std::string_view to_string(MigrationClass what);

struct Migration {
    std::string name; // "app.0002_more"
    MigrationClass what = MigrationClass::irreversible;
    std::vector<std::string> because; // the operations that make it so, in Django's words
    bool is_atomic = true;            // it is applied as a whole, or not at all
    bool is_rollback_safe = false;    // says its author
};

struct WaitingMigrations {
    std::vector<Migration> all;                // in the order in which they would be applied
    std::map<std::string, std::string> before; // app → the migration it is at now; "zero": none
    std::string engine, database;              // of Django: "sqlite", a path or a name
    std::string identity;                      // of PostgreSQL: what the server itself says of both
    bool behind_page = false;                  // as whoever deploys wishes: visitors get a page meanwhile
    [[nodiscard]] MigrationClass worst() const;
    // While they are applied no code may run with the tables, neither the old nor the new.
    [[nodiscard]] bool needs_fence() const;
    // Where each app goes back to, "app=0001_initial other=zero"; empty: one of them loses something, or its author does not
    // say that it can be undone when users have written.
    [[nodiscard]] std::string way_back() const;
};

// "app.0002_more: loses data (Remove field notes from lesson)"
Text words_of(const Migration& migration);

// For `manage.py shell -c`; changes nothing. Django 2.2 to 5.2.
std::string program_that_classes_migrations();
// What it has printed, among whatever else the project prints; invalid: it is not there.
Result<WaitingMigrations> waiting_migrations_from(std::string_view printed);

} // namespace lectio::release

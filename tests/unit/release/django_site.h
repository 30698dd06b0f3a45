// DjangoSite: a project of Django with one app and migrations that a test chooses, on a database of SQLite.
#pragma once

#include "platform/processes.h"
#include "support/temp_folder.h"

#include <map>
#include <string>

namespace lectio::release {

using ProjectFiles = std::map<std::string, std::string>; // path → content

// The interpreter that has Django; empty: none on this machine.
std::string python_with_django();

// A project whose app "lessons" has these migrations after its first one, which makes Lesson(title, notes): name → its
// operations, in Python, and what else stands in the class.
struct MadeUpMigration {
    std::string operations; // "migrations.RemoveField('lesson', 'notes')"
    std::string more{};     // "atomic = False"
};
// `data`: where the database lies, from the project's folder or absolute.
ProjectFiles django_project(const std::string& data,
                            const std::map<std::string, MadeUpMigration>& migrations);

} // namespace lectio::release

// What a process is, by its command line: which server, and where it listens or belongs to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct Program {
    enum class Role { web, application, queue, database, containers };
    std::string name; // "nginx", "gunicorn", "celery", "postgres"
    Role role = Role::web;
    std::vector<std::string> words; // of its command line
};

// Nothing for processes that are no servers of these kinds, and for the helpers of those that are: nginx's workers,
// PostgreSQL's, celery's shell.
std::optional<Program> program_of(std::string_view command_line);

// The value of the first of these options that is there: "-b X", "--bind X", "--bind=X", "-bX" (short ones).
std::string option_value(const std::vector<std::string>& words,
                         std::initializer_list<std::string_view> names);

// Of gunicorn, uvicorn, celery …: "teaching_panel.wsgi" of "teaching_panel.wsgi:application", of --app or the last
// word; empty: none was given there.
std::string application_module(const Program& program);

} // namespace lectio

// django: every migration of a Django project is applied, and its own `check --deploy` finds nothing.
#pragma once

#include "checks/check_type.h"
#include "platform/files.h"
#include "platform/processes.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct DjangoSettings {
    Path manage, python;
    std::string user; // empty: whose manage.py is
    bool deploy_check = false;
    Duration timeout{60'000}; // of each command
};

struct DjangoSample {
    std::optional<Error> not_started;    // nothing below was seen
    ProcessAnswer migrations;            // of showmigrations --plan
    std::optional<ProcessAnswer> deploy; // of check --deploy
    std::string user;
};

// What `showmigrations --plan` has printed.
struct Migrations {
    std::int64_t applied = 0;
    std::vector<std::string> pending; // "app.0002_more"
};
Migrations migrations_in(std::string_view plan);

// Who `manage` is run as: its owner, but never root because of that alone: a clone made by root is no wish to run the
// site's code as root, whose files the site could then not write. The Error says which key may still ask for it.
Result<std::string> user_of_manage(Files& files, const Path& manage);

// Pure.
CheckResult evaluate_django(const DjangoSample& sample, const DjangoSettings& settings);
CheckType django_check_type();

} // namespace lectio

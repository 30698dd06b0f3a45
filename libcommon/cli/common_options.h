// What every tool's command line knows (DESIGN.md "Common options").
#pragma once

#include "cli/exit_code.h"
#include "platform/files.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

enum class Verbosity { quiet, normal, verbose };

struct CommonOptions {
    std::optional<std::string> config; // -c, as given: problems quote it so
    bool check_config = false;
    bool strict = false; // warnings of --check-config count as errors
    bool dry_run = false;
    bool no_recovery = false;
    bool no_notify = false;
    std::vector<std::string> only;
    Format format = Format::text;
    Verbosity verbosity = Verbosity::normal;
};

} // namespace lectio

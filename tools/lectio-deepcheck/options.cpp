#include "options.h"

#include "cli/command_line.h"
#include "pipeline/history_options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lectio::deepcheck {
namespace {

constexpr std::string_view k_examples =
    "  lectio-deepcheck                    look at what is due, tell what is broken, print how things stand\n"
    "  lectio-deepcheck -q                 the same from cron: silent while all is good\n"
    "  lectio-deepcheck --dry-run          look; change nothing here, and say what would be sent\n"
    "  lectio-deepcheck run database -v    one check now, due or not, with its figures\n"
    "  lectio-deepcheck audit              how hard this host is to break into: what, why, and the line that "
    "mends it\n"
    "  lectio-deepcheck audit --format markdown >audit.md\n"
    "  lectio-deepcheck audit --profile lectio   what is expected of such a host, whatever its configuration "
    "asks\n"
    "  lectio-deepcheck history --since 7d what the runs of a week have found, check by check\n"
    "  lectio-deepcheck --check-config     is the configuration right, and what does it look at?\n"
    "  lectio-deepcheck --format json | jq .status\n";

// The old scripts took no arguments: a cron line that calls one has none, and whoever gives some means ours.
bool is_old_name(const char* argv0) {
    constexpr std::array<std::string_view, 2> k_old{"deep_check.sh", "deep_diagnostics.py"};
    const std::string name = std::filesystem::path(argv0 == nullptr ? "" : argv0).filename();
    return std::find(k_old.begin(), k_old.end(), name) != k_old.end();
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    CLI::App app;
    describe(app, "lectio-deepcheck",
             "Looks at what is slow to check or slow to change, and tells what kills a server slowly.",
             k_examples);
    add_common_options(app, options.common, Reports::all);
    add_check_options(app, options.common);
    std::vector<std::string> checks;
    CLI::App* look = app.add_subcommand(
        "run", "Some checks now, also those that are not due; nothing is remembered, nobody is told");
    look->add_option("check", checks, "Their names; all when none is given")->type_name("CHECK");
    CLI::App* audit = app.add_subcommand(
        "audit", "The checks of hardening now: each finding, why it matters, what mends it; nobody is told");
    std::string form = "text";
    audit->add_option("--format", form, "text, json or markdown")
        ->type_name("FORMAT")
        ->transform(CLI::IsMember({"text", "json", "markdown"}, CLI::ignore_case).description(""));
    audit
        ->add_option("--profile", options.profile,
                     "The checks of this profile, too: lectio, cube-demper, horoscopus or a file of your own")
        ->type_name("NAME");
    HistoryQuestion question;
    const CLI::App* history = add_history(app, question);
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv, Reports::all)) {
        return *leave;
    }
    if (history->parsed()) {
        if (const std::optional<int> leave = refuse_history_format("lectio-deepcheck", options.common)) {
            return *leave;
        }
        options.history = std::move(question);
    }
    if (audit->parsed()) {
        options.audit = form == "markdown" ? AuditForm::markdown : AuditForm::text;
        options.common.format = form == "json" ? Format::json : options.common.format;
    }
    options.looks_only = look->parsed() || audit->parsed();
    if (options.looks_only) {
        options.common.dry_run = true;
        options.common.only.insert(options.common.only.end(), checks.begin(), checks.end());
    }
    return options;
}

} // namespace lectio::deepcheck

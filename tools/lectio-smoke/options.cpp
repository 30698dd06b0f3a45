#include "options.h"

#include "cli/command_line.h"

#include <filesystem>
#include <utility>

namespace lectio::smoke {
namespace {

constexpr std::string_view k_examples =
    "  lectio-smoke                   walk through the site, tell what is broken, and print how things "
    "stand\n"
    "  lectio-smoke -q                the same from cron: silent while all is good\n"
    "  lectio-smoke --dry-run         walk; change nothing here, and say what would be sent\n"
    "  lectio-smoke run lessons -v    one step with what it needs: request, answer, time by phase, what was "
    "compared\n"
    "  sudo lectio-smoke setup-users  make or repair the accounts that the logins need\n"
    "  lectio-smoke history lessons   how long which step was broken; --since 7d\n"
    "  lectio-smoke --check-config    is the configuration right, and what does it ask?\n"
    "  lectio-smoke --format json | jq .status\n";

constexpr Phrase k_history_formats{"history knows the formats text and json",
                                   "history знает только форматы text и json"};

// The old scripts took no arguments: a cron line that calls one has none, and whoever gives some means ours.
std::string name_of(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename();
}
bool is_old_name(const char* argv0) {
    const std::string name = name_of(argv0);
    return name == "smoke_check_v2.sh" || name == "smoke_check.sh";
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    const bool by_name_of_setup = argc > 0 && name_of(argv[0]) == "setup_smoke_users.sh";
    CLI::App app;
    describe(app, "lectio-smoke",
             "Logs in as real users do, walks through the site, and tells what is broken. What fails is "
             "asked once "
             "more before it counts; POST and PATCH are sent once.",
             k_examples);
    add_common_options(app, options.common, Reports::all);
    add_check_options(app, options.common);
    std::vector<std::string> steps;
    CLI::App* look = app.add_subcommand(
        "run",
        "Some steps (login-NAME is a login) with what they need; nothing is remembered, nobody is told");
    look->add_option("step", steps, "Their names; all when none is given")->type_name("STEP");
    const CLI::App* users = app.add_subcommand(
        "setup-users", "Make or repair the accounts of the logins, through manage.py of the site");
    HistoryQuestion question;
    CLI::App* history = app.add_subcommand("history", "What the runs have found: how long");
    history->add_option("step", question.check, "Only this one")->type_name("STEP");
    history
        ->add_option("--since", question.since, "2h, 7d, 2026-11-20 or \"2026-11-20 10:00\" (default: 24h)")
        ->type_name("TIME");
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv, Reports::all)) {
        return *leave;
    }
    options.sets_up_users = users->parsed() || by_name_of_setup;
    if (history->parsed()) {
        if (options.common.format != Format::text && options.common.format != Format::json) {
            return wrong_usage("lectio-smoke", say(k_history_formats), options.common);
        }
        options.history = std::move(question);
    }
    if (look->parsed()) {
        options.looks_only = true;
        options.common.dry_run = true;
        options.common.only.insert(options.common.only.end(), steps.begin(), steps.end());
    }
    return options;
}

} // namespace lectio::smoke

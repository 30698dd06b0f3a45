#include "options.h"

#include "cli/command_line.h"
#include "pipeline/history_options.h"

#include <filesystem>
#include <utility>

namespace lectio::health {
namespace {

constexpr std::string_view k_examples =
    "  lectio-health                          look, mend, tell, and print how things stand\n"
    "  lectio-health -q                       the same from cron: silent while all is good\n"
    "  lectio-health --dry-run                change nothing; say what would be done and sent\n"
    "  lectio-health --only site,nginx -v     two checks, with their figures\n"
    "  sudo lectio-health init                write what was found on this host into a configuration\n"
    "  sudo lectio-health init --from /opt/lectio-monitor/config.env   what the bash suite was told\n"
    "  lectio-health --check-config           is the configuration right, and what does it do?\n"
    "  lectio-health --format json | jq .status\n"
    "  lectio-health history                  the last 24 hours of every check\n"
    "  lectio-health history site --since 7d  since \"2026-11-20 10:00\" is understood as well\n";

// The old script took no arguments: a cron line that calls it has none, and whoever gives some means ours.
bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "health_check.sh";
}

void add_init(CLI::App& app, InitCommand& init) {
    static const std::vector<std::string> k_languages{"ru", "en"};
    app.add_option("-o,--output", init.output,
                   "Where to; - is standard output (default: " + init.output + ")")
        ->type_name("FILE");
    app.add_option_function<std::string>(
           "--lang", [&](const std::string& word) { init.lang = word == "ru" ? Lang::ru : Lang::en; },
           "Of the comments and of alerts: ru or en (default: the terminal's)")
        ->type_name("LANG")
        ->check(CLI::IsMember(k_languages).description(""));
    app.add_option_function<std::string>(
           "--from", [&](const std::string& file) { init.from = file; },
           "The config.env of the bash suite: what it says, instead of what is found here")
        ->type_name("FILE");
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    CLI::App app;
    describe(app, "lectio-health", "Checks the site and its host, mends what it can, tells what it did.",
             k_examples);
    add_common_options(app, options.common, Reports::all);
    add_check_options(app, options.common);
    InitCommand init;
    HistoryQuestion question;
    CLI::App* initialising = app.add_subcommand(
        "init", "Look at this host and write a configuration with comments; never over an existing one");
    const CLI::App* history = add_history(app, question);
    add_init(*initialising, init);
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv, Reports::all)) {
        return *leave;
    }
    if (initialising->parsed()) {
        options.init = std::move(init);
    }
    if (history->parsed()) {
        if (const std::optional<int> leave = refuse_history_format("lectio-health", options.common)) {
            return *leave;
        }
        options.history = std::move(question);
    }
    return options;
}

} // namespace lectio::health

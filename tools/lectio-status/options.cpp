#include "options.h"

#include "cli/command_line.h"

namespace lectio::status {
namespace {

constexpr std::string_view k_examples =
    "  lectio-status                      how things stand, on one screen\n"
    "  lectio-status -q                   the same, but nothing when all is good\n"
    "  lectio-status --watch              the same, again and again\n"
    "  lectio-status --format json        for programs\n"
    "  lectio-status --format prometheus  for Prometheus, with timestamps and what is stale\n"
    "  lectio-status --format html        one page for a browser, with availability and incidents\n"
    "  lectio-status --check-config       is the configuration right?\n";

constexpr std::string_view k_exit_codes =
    "Exit status: 0 all is good; 1 a warning, or a tool of the suite has not run for long; 2 something is "
    "broken;\n"
    "3 it is not known: nothing was checked, or it may not be read; 64 wrong usage, 70 internal error,\n"
    "77 needs rights, 78 wrong configuration (shown is what the last good one describes).\n";

constexpr Phrase k_only_text{"--watch shows text only: leave --format out",
                             "--watch показывает только текст: уберите --format"};

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    CLI::App app;
    describe(
        app, "lectio-status",
        "Shows how things stand, as the other tools have left it: each check with its day, what is broken, "
        "what was mended, deploys, backups, mutes, and when each tool last ran. Checks nothing itself and "
        "changes nothing.",
        k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::of_the_whole);
    app.add_flag("--watch", options.watch, "Show it anew every five seconds, until Ctrl-C")
        ->excludes("--check-config");
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    if (options.watch && options.common.format != Format::text) {
        return wrong_usage("lectio-status", say(k_only_text), options.common);
    }
    return options;
}

} // namespace lectio::status

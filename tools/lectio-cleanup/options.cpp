#include "options.h"

#include "cli/command_line.h"

#include <filesystem>

namespace lectio::cleanup {
namespace {

constexpr std::string_view k_examples =
    "  lectio-cleanup                   on a terminal: what would be done\n"
    "  sudo lectio-cleanup --apply      it is done\n"
    "  sudo lectio-cleanup -q           from cron, hourly: done, and nothing printed while all is good\n"
    "  lectio-cleanup --dry-run -v --format json   what would be done, for programs\n";

constexpr std::string_view k_exit_codes =
    "Exit status: 0 done, or shown, 1 something could not be done or is to be looked at, 64 wrong usage, 70 "
    "internal error,\n75 another run holds the lock, 77 needs rights, 78 wrong configuration. As "
    "cleanup_processes.sh: 0, or 1 if nothing\ncould be done.\n";

constexpr Phrase k_formats{"lectio-cleanup knows the formats text and json",
                           "lectio-cleanup знает только форматы text и json"};
constexpr Phrase k_both{"--apply does it and --dry-run shows it: give one of them",
                        "--apply выполняет, --dry-run показывает: укажите что-то одно"};

bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "cleanup_processes.sh";
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    CLI::App app;
    describe(
        app, "lectio-cleanup",
        "Removes what [cleanup] says is old, and says how much that freed. A person on a terminal is shown "
        "what would be done.",
        k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    app.add_flag("--apply", options.apply, "Do it, also on a terminal");
    app.add_flag_callback(
        "-v,--verbose", [&] { options.common.verbosity = Verbosity::verbose; },
        "Name all that is cleaned up");
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    if (options.common.format != Format::text && options.common.format != Format::json) {
        return wrong_usage("lectio-cleanup", say(k_formats), options.common);
    }
    if (options.apply && options.common.dry_run) {
        return wrong_usage("lectio-cleanup", say(k_both), options.common);
    }
    return options;
}

} // namespace lectio::cleanup

#include "options.h"

#include "cli/command_line.h"

#include <filesystem>

namespace lectio::heartbeat {
namespace {

constexpr std::string_view k_examples =
    "  lectio-heartbeat                 look, and tell outside what is true; at a terminal say it, too\n"
    "  lectio-heartbeat -q              the same from cron, every minute: silent while all is well\n"
    "  lectio-heartbeat --dry-run       look, and say what would be told outside; tell nobody\n"
    "  lectio-heartbeat --check-config  is the configuration right?\n";

constexpr std::string_view k_exit_codes = "Exit status: 0 all is well, or no [heartbeat] url is set; 1 the "
                                          "site is down, or the ping did not arrive;\n"
                                          "2 the suite itself is broken; 64 wrong usage, 70 internal error, "
                                          "75 another run is under way, 77 needs rights,\n"
                                          "78 wrong configuration.\n";

bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "heartbeat.sh";
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    options.by_old_name = argc > 0 && is_old_name(argv[0]);
    CLI::App app;
    describe(app, "lectio-heartbeat",
             "Tells a service outside this server (healthchecks.io or alike) that all is well, as long as it "
             "is: the "
             "site answers, the tools of this suite run, and their messages arrive. Silence is the alarm.",
             k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    return options;
}

} // namespace lectio::heartbeat

#include "options.h"

#include "cli/command_line.h"

#include <filesystem>

namespace lectio::health {
namespace {

constexpr std::string_view k_examples =
    "  lectio-health                          look, mend, tell, and print how things stand\n"
    "  lectio-health -q                       the same from cron: silent while all is good\n"
    "  lectio-health --dry-run                change nothing; say what would be done and sent\n"
    "  lectio-health --only site,nginx -v     two checks, with their figures\n"
    "  lectio-health --check-config           is the configuration right, and what does it do?\n"
    "  lectio-health --format json | jq .status\n";

// The old script took no arguments and looked at none.
bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "health_check.sh";
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    if (argc > 0 && is_old_name(argv[0])) {
        options.by_old_name = true;
        return options;
    }
    CLI::App app;
    describe(app, "lectio-health", "Checks the site and its host, mends what it can, tells what it did.",
             k_examples);
    add_common_options(app, options.common, Reports::nagios_too);
    add_check_options(app, options.common);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    return options;
}

} // namespace lectio::health

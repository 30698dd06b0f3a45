#include "options.h"

#include "cli/command_line.h"
#include "config/schema.h"

#include <filesystem>

namespace lectio::heartbeat {
namespace {

constexpr std::string_view k_examples =
    "  lectio-heartbeat                 look, and tell outside what is true; at a terminal say it, too\n"
    "  lectio-heartbeat -q              the same from cron, every minute: silent while all is well\n"
    "  lectio-heartbeat --dry-run       look, and say what would be told outside; tell nobody\n"
    "  lectio-heartbeat --check-config  is the configuration right?\n"
    "  lectio-heartbeat run media -- rclone sync /srv/media s3:media\n"
    "                                   in a crontab: the job's start and end are pinged, a failure is "
    "told\n";

constexpr std::string_view k_exit_codes =
    "Exit status: 0 all is well, or no [heartbeat] url is set; 1 the "
    "site is down, or the ping did not arrive;\n"
    "2 the suite itself is broken; 64 wrong usage, 70 internal error, "
    "75 another run is under way, 77 needs rights,\n"
    "78 wrong configuration. Of run: the job's own; 124 it took too long, "
    "126 or 127 it could not be started,\n"
    "128 + the signal that ended it, 75 the one before still runs.\n";

constexpr Phrase k_no_report{"run passes on what the job prints, and has no report of its own",
                             "run выводит то, что печатает задание, собственного отчёта у него нет"};

std::string is_name(const std::string& text) {
    const std::optional<Text> complaint = name_complaint(text);
    return complaint ? complaint->en : std::string();
}

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
    CLI::App* job =
        app.add_subcommand("run", "Run a job of cron's: it is pinged, logged, and told when it fails");
    job->add_option("name", options.job, "As in [heartbeat.job.NAME]")
        ->required()
        ->check(is_name)
        ->type_name("NAME");
    job->add_option("command", options.command, "The job, behind --")->required()->type_name("COMMAND");
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    if (!options.job.empty() && options.common.format != Format::text) {
        return wrong_usage("lectio-heartbeat", say(k_no_report), options.common);
    }
    return options;
}

} // namespace lectio::heartbeat

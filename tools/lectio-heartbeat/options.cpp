#include "options.h"

#include "cli/command_line.h"
#include "config/schema.h"
#include "platform/http_url.h"
#include "util/number.h"
#include "util/units.h"

#include <cstring>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace lectio::heartbeat {
namespace {

constexpr std::string_view k_examples =
    "  lectio-heartbeat                 look, and tell outside what is true; at a terminal say it, too\n"
    "  lectio-heartbeat -q              the same from cron, every minute: silent while all is well\n"
    "  lectio-heartbeat --dry-run       look, and say what would be told outside; tell nobody\n"
    "  lectio-heartbeat --check-config  is the configuration right?\n"
    "  lectio-heartbeat run media -- rclone sync /srv/media s3:media\n"
    "                                   in a crontab: the job's start and end are pinged, a failure is "
    "told\n"
    "  lectio-heartbeat watchdog --probe http://127.0.0.1:8000/ -- gunicorn app.wsgi\n"
    "                                   in a unit: WatchdogSec= restarts a server that runs and does not "
    "answer\n";

constexpr std::string_view k_exit_codes =
    "Exit status: 0 all is well, or no [heartbeat] url is set; 1 the "
    "site is down, or the ping did not arrive;\n"
    "2 the suite itself is broken; 64 wrong usage, 70 internal error, "
    "75 another run is under way, 77 needs rights,\n"
    "78 wrong configuration. Of run: the job's own; 124 it took too long, "
    "126 or 127 it could not be started,\n"
    "128 + the signal that ended it, 75 the one before still runs. Of watchdog: the command's own, or its "
    "signal.\n";

constexpr Phrase k_no_report{
    "what the command prints is passed on, and there is no report beside it: without --format",
    "выводится то, что печатает команда, собственного отчёта нет: без --format"};
constexpr int k_most_fails = 100;
constexpr Duration k_shortest_every{1'000}, k_shortest_timeout{100};

std::string is_name(const std::string& text) {
    const std::optional<Text> complaint = name_complaint(text);
    return complaint ? complaint->en : std::string();
}

bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "heartbeat.sh";
}

std::string is_url(const std::string& text) {
    const Result<HttpUrl> url = parse_http_url(text);
    return url ? std::string() : url.error().message;
}

std::string is_number_of_fails(const std::string& text) {
    const auto number = number_from<int>(text);
    return number && *number >= 1 && *number <= k_most_fails
               ? std::string()
               : fmt::format("\"{}\": a number from 1 to {}", text, k_most_fails);
}

// An option that is written as the configuration writes it: 10s, 2m.
CLI::Option* add_duration(CLI::App& app, const std::string& name, Duration& value, Duration least,
                          const std::string& help) {
    const auto take = [&value, least, name](const std::string& text) {
        const Result<Duration> given = parse_duration(text);
        if (!given) {
            throw CLI::ValidationError(name, given.error().message);
        }
        if (*given < least) {
            throw CLI::ValidationError(name, fmt::format("{}: at least {}", text, format_duration(least)));
        }
        value = *given;
    };
    return app.add_option_function<std::string>(name, take, help)
        ->type_name("TIME")
        ->default_str(format_duration(value));
}

void add_job(CLI::App& app, Options& options) {
    CLI::App* job =
        app.add_subcommand("run", "Run a job of cron's: it is pinged, logged, and told when it fails");
    job->add_option("name", options.job, "As in [heartbeat.job.NAME]")
        ->required()
        ->check(is_name)
        ->type_name("NAME");
    job->add_option("command", options.command, "The job, behind --")->required()->type_name("COMMAND");
}

CLI::App* add_watchdog(CLI::App& app, Options& options) {
    CLI::App* watchdog = app.add_subcommand(
        "watchdog",
        "Stand before a server in its unit (Type=notify, NotifyAccess=all): WATCHDOG=1 for systemd, "
        "as long as the server answers");
    WatchdogRules& rules = options.rules;
    watchdog->add_option("--probe", options.probe, "What is asked: http://, https:// or unix:/SOCKET:/PATH")
        ->required()
        ->check(is_url)
        ->type_name("URL");
    add_duration(*watchdog, "--every", rules.every, k_shortest_every, "Between two probes");
    add_duration(*watchdog, "--timeout", rules.timeout, k_shortest_timeout, "Of a probe");
    watchdog->add_option("--fails", rules.fails, "So many probes in a row without an answer: it hangs")
        ->check(is_number_of_fails)
        ->capture_default_str()
        ->type_name("N");
    add_duration(*watchdog, "--start-period", rules.start_period, Duration::zero(),
                 "What a server gets to answer for the first time");
    watchdog->add_option("command", options.command, "The server, behind --")
        ->required()
        ->type_name("COMMAND");
    return watchdog;
}

// Whoever counts servers by their command lines (pgrep -f gunicorn, a check of the type process) is not to count us.
void hide_the_command(int argc, char** argv) {
    bool is_command = false;
    for (int i = 0; i < argc; ++i) {
        const std::size_t length = std::strlen(argv[i]);
        if (is_command) {
            std::memset(argv[i], 0, length);
        }
        is_command = is_command || std::string_view(argv[i]) == "--";
    }
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
    add_job(app, options);
    const CLI::App* watchdog = add_watchdog(app, options);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    if (watchdog->parsed()) {
        hide_the_command(argc, argv);
    }
    if (!options.command.empty() && options.common.format != Format::text) {
        return wrong_usage("lectio-heartbeat", say(k_no_report), options.common);
    }
    return options;
}

} // namespace lectio::heartbeat

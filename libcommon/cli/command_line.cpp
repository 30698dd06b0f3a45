#include "cli/command_line.h"

#include "cli/last_resort.h"
#include "util/text.h"
#include "version.h"

#include <iostream>
#include <map>
#include <string>

#include <fmt/format.h>

namespace lectio {

namespace {

using Formats = std::map<std::string, Format>;

// By reference, because CLI11 keeps a pointer to it.
const Formats& formats_of(Reports reports) {
    static const Formats k_two{{"text", Format::text}, {"json", Format::json}};
    static const Formats k_all{{"text", Format::text},
                               {"json", Format::json},
                               {"nagios", Format::nagios},
                               {"prometheus", Format::prometheus}};
    return reports == Reports::all ? k_all : k_two;
}

// Looked for by hand: what could not be parsed has set no options.
bool asks_for_nagios(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = to_lower_ascii(argv[i]);
        const bool next = word == "--format" && i + 1 < argc && to_lower_ascii(argv[i + 1]) == "nagios";
        if (next || word == "--format=nagios") {
            return true;
        }
        if (word == "--") {
            break;
        }
    }
    return false;
}

} // namespace

void describe(CLI::App& app, std::string_view name, std::string_view summary, std::string_view examples,
              std::string_view exit_codes) {
    app.name(std::string(name));
    app.description(std::string(summary));
    app.set_version_flag("--version", fmt::format("{} {}", name, k_version));
    app.set_help_flag("-h,--help", "Print this help and exit");
    app.footer(fmt::format("Examples:\n{}\n{}", examples, exit_codes));
    app.fallthrough();
    app.get_formatter()->column_width(32);
}

void add_common_options(CLI::App& app, CommonOptions& options, Reports reports) {
    const Formats& formats = formats_of(reports);
    app.add_option("-c,--config", options.config, "Configuration file")->type_name("FILE");
    app.add_flag("--check-config", options.check_config,
                 "Print every problem of the configuration; touch nothing");
    app.add_flag("--strict", options.strict, "With --check-config: warnings are problems too");
    app.add_flag("--dry-run", options.dry_run,
                 "Look and judge, say what would be done and sent; change nothing");
    // Not a CheckedTransformer: what it says to a wrong word is its own table, numbers and all.
    app.add_option_function<std::string>(
           "--format", [&](const std::string& word) { options.format = formats.at(word); },
           reports == Reports::all ? "text, json, nagios or prometheus" : "text or json")
        ->type_name("FORMAT")
        ->transform(CLI::IsMember(formats, CLI::ignore_case).description(""));
    app.add_flag_callback(
        "-q,--quiet", [&] { options.verbosity = Verbosity::quiet; }, "Print nothing when all is good");
}

void add_check_options(CLI::App& app, CommonOptions& options) {
    app.add_option("--only", options.only, "Only these checks")->type_name("NAME")->delimiter(',');
    app.add_flag("--no-recovery", options.no_recovery, "Mend nothing");
    app.add_flag("--no-notify", options.no_notify, "Tell nobody; the next run tells");
    app.add_flag_callback(
        "-v,--verbose", [&] { options.verbosity = Verbosity::verbose; }, "Print more");
}

std::optional<int> parse(CLI::App& app, int argc, char** argv, Reports reports) {
    try {
        app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::Success& wanted) { // --help, --version
        app.exit(wanted, std::cout, std::cerr);
        std::cout.flush();
        if (!std::cout) {
            std::cerr << app.get_name() << ": unable to write to standard output\n";
            return static_cast<int>(ExitCode::internal);
        }
        return static_cast<int>(ExitCode::ok);
    } catch (const CLI::ParseError& error) {
        std::cerr << app.get_name() << ": " << error.what() << "\nTry " << app.get_name() << " --help\n";
        return reports == Reports::all && asks_for_nagios(argc, argv) ? leave_nagios(error.what())
                                                                      : static_cast<int>(ExitCode::usage);
    }
}

} // namespace lectio

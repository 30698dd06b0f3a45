#include "cli/command_line.h"

#include "cli/last_resort.h"
#include "util/text.h"
#include "version.h"

#include <iostream>
#include <map>
#include <string>
#include <vector>

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

// What could have been meant where `word` stands: options for what looks like one, otherwise commands.
std::vector<std::string> known_words(const CLI::App& app, std::string_view word) {
    std::vector<std::string> known;
    if (!word.starts_with('-')) {
        for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
            known.push_back(command->get_name());
        }
        return known;
    }
    std::vector<const CLI::App*> apps{&app};
    for (const CLI::App* given : app.get_subcommands()) {
        apps.push_back(given);
    }
    for (const CLI::App* each : apps) {
        for (const CLI::Option* option : each->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                known.push_back("--" + name);
            }
        }
    }
    return known;
}

// CLI11 names what nobody takes from the last to the first and guesses nothing.
std::string unexpected_words(const CLI::App& app) {
    std::string words;
    std::string guesses;
    for (const std::string& word : app.remaining(true)) {
        words += fmt::format("{}\"{}\"", words.empty() ? "not expected: " : ", ", clean_line(word));
        const std::string_view bare = std::string_view(word).substr(0, word.find('='));
        const std::vector<std::string> known = known_words(app, bare);
        const std::vector<std::string_view> views(known.begin(), known.end());
        if (const std::optional<std::string_view> near = nearest(bare, views); near && *near != bare) {
            guesses += fmt::format("; did you mean \"{}\"?", *near);
        }
    }
    return words + guesses;
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
    app.add_flag("--strict", options.strict, "With --check-config: warnings are problems too")
        ->needs("--check-config");
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
    app.add_option("--only", options.only, "Only these checks")
        ->type_name("NAME")
        ->delimiter(',')
        ->excludes("--check-config"); // it judges the whole file
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
        const bool is_unexpected = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
        const bool for_nagios = reports == Reports::all && asks_for_nagios(argc, argv);
        return wrong_usage(app.get_name(), is_unexpected ? unexpected_words(app) : error.what(),
                           for_nagios ? Format::nagios : Format::text);
    }
}

int wrong_usage(std::string_view tool, std::string_view why, Format format) {
    std::cerr << tool << ": " << why << "\nTry " << tool << " --help\n";
    return format == Format::nagios ? leave_nagios(ExitCode::usage, why) : static_cast<int>(ExitCode::usage);
}

} // namespace lectio

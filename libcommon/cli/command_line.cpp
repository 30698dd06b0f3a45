#include "cli/command_line.h"

#include "cli/guess.h"
#include "cli/last_resort.h"
#include "config/load.h"
#include "platform/environment.h"
#include "platform/files.h"
#include "util/secret.h"
#include "util/text.h"
#include "version.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace lectio {

namespace {

constexpr Phrase k_not_expected{"not expected: {}", "непонятно: {}"};
constexpr Phrase k_word{"\"{}\"", "«{}»"};
constexpr Phrase k_usage{"{0}: {1}\nTry {0} --help\n", "{0}: {1}\nПодробнее: {0} --help\n"};

// What CLI11 says of the mistakes that our options allow.
constexpr std::array k_mistakes{
    Phrase{"{}: 1 required {} missing", "{}: не хватает значения ({})"},
    Phrase{"{}: {} not in {}", "{}: значения {} нет, можно {}"},
    Phrase{"{}: At Most {} required but received {}", "{}: значений может быть не больше {}, а указано {}"},
    Phrase{"{} requires {}", "{} нужно только вместе с {}"},
    Phrase{"{} excludes {}", "{} и {} нельзя указать вместе"},
    Phrase{"Could not convert: {} = {}", "{} не может быть {}"},
    Phrase{"{} is required", "не хватает {}"},
    Phrase{"{}: too many inputs for a flag", "{} пишется без значения"},
    Phrase{"{}: Should be true/false or a number", "{} может быть только true или false"},
    Phrase{"{} was given a disallowed flag override", "{} пишется без значения"},
};

using Formats = std::map<std::string, Format>;

// By reference, because CLI11 keeps a pointer to it.
const Formats& formats_of(Reports reports) {
    static const Formats k_two{{"text", Format::text}, {"json", Format::json}};
    static const Formats k_whole{{"text", Format::text},
                                 {"json", Format::json},
                                 {"prometheus", Format::prometheus},
                                 {"html", Format::html}};
    static const Formats k_all{{"text", Format::text},
                               {"json", Format::json},
                               {"nagios", Format::nagios},
                               {"prometheus", Format::prometheus}};
    return reports == Reports::all ? k_all : reports == Reports::of_the_whole ? k_whole : k_two;
}

// The last value of an option, written apart or with =.
std::optional<std::string> value_of(std::string_view option, const std::vector<std::string>& words) {
    std::optional<std::string> value;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
        const bool with_sign = words[i].starts_with(option) && words[i].substr(option.size(), 1) == "=";
        if (with_sign) {
            value = words[i].substr(option.size() + 1);
        } else if (words[i] == option && i + 1 < words.size()) {
            value = words[i + 1];
        }
    }
    return value;
}

// Looked for by hand: what could not be parsed has set no options.
CommonOptions options_despite_mistakes(int argc, char** argv, Reports reports) {
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    const std::optional<std::string> short_form = value_of("-c", words);
    CommonOptions options;
    options.config = short_form ? short_form : value_of("--config", words);
    const bool nagios = to_lower_ascii(value_of("--format", words).value_or("")) == "nagios";
    options.format = reports == Reports::all && nagios ? Format::nagios : Format::text;
    return options;
}

// What stands in `said` where `form` has {}; nothing when it has another form.
std::optional<std::array<std::string, 3>> named_in(std::string_view said, std::string_view form) {
    constexpr std::string_view k_gap = "{}";
    std::array<std::string, 3> named;
    std::size_t gap = form.find(k_gap);
    if (!said.starts_with(form.substr(0, gap))) {
        return std::nullopt;
    }
    said.remove_prefix(std::min(gap, form.size()));
    for (std::string& name : named) {
        if (gap == std::string_view::npos) {
            break;
        }
        form.remove_prefix(gap + k_gap.size());
        gap = form.find(k_gap);
        const std::string_view next = form.substr(0, gap);
        const std::size_t end = next.empty() ? said.size() : said.find(next);
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        name = said.substr(0, end);
        said.remove_prefix(end + next.size());
    }
    return said.empty() ? std::optional(named) : std::nullopt;
}

Text mistake_words(std::string_view said) {
    for (const Phrase& mistake : k_mistakes) {
        if (const auto named = named_in(said, mistake.in(Lang::en))) {
            return {std::string(said), say(mistake, (*named)[0], (*named)[1], (*named)[2]).ru};
        }
    }
    return {std::string(said), fmt::format("«{}»", said)};
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
Text unexpected_words(const CLI::App& app) {
    Text words;
    Text guesses;
    for (const std::string& word : app.remaining(true)) {
        words = join(", ", {words, say(k_word, redact(clean_line(word)))});
        const std::string_view bare = std::string_view(word).substr(0, word.find('='));
        const std::vector<std::string> known = known_words(app, bare);
        if (std::find(known.begin(), known.end(), bare) == known.end()) {
            guesses = join("; ", {guesses, did_you_mean(bare, known)});
        }
    }
    return join("; ", {say(k_not_expected, words), guesses});
}

// What describe() has made, with the examples of one command: that call it, each with the lines that go on with it.
std::string footer_of(const CLI::App& app, const std::string& command) {
    constexpr std::string_view k_examples = "Examples:\n", k_further = "    ";
    const std::string whole = app.get_footer();
    const std::size_t end = whole.find("\n\n");
    if (!whole.starts_with(k_examples) || end == std::string::npos) {
        return whole;
    }
    const std::string call = fmt::format(" {} {} ", app.get_name(), command);
    std::string own;
    bool is_own = false;
    for (const std::string_view line :
         split_lines(std::string_view(whole).substr(0, end).substr(k_examples.size()))) {
        is_own =
            line.starts_with(k_further) ? is_own : fmt::format("{} ", line).find(call) != std::string::npos;
        own += is_own ? fmt::format("{}\n", line) : std::string();
    }
    return own.empty() ? whole.substr(end + 2)
                       : fmt::format("{}{}\n{}", k_examples, own, whole.substr(end + 2));
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
           reports == Reports::all            ? "text, json, nagios or prometheus"
           : reports == Reports::of_the_whole ? "text, json, prometheus or html"
                                              : "text or json")
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
    for (CLI::App* command : app.get_subcommands(nullptr)) {
        command->footer(footer_of(app, command->get_name()));
    }
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
        return wrong_usage(app.get_name(),
                           is_unexpected ? unexpected_words(app) : mistake_words(clean_line(error.what())),
                           options_despite_mistakes(argc, argv, reports));
    }
}

int wrong_usage(std::string_view tool, const Text& why, const CommonOptions& options) {
    SystemFiles files;
    ConfigRequest request;
    request.file = options.config;
    request.environment = environment_variable;
    const Lang lang = configured_language(files, request);
    std::cerr << say(k_usage, tool, why).in(lang);
    return options.format == Format::nagios ? leave_nagios(ExitCode::usage, why.in(lang))
                                            : static_cast<int>(ExitCode::usage);
}

} // namespace lectio

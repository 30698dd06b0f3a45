#include "options.h"

#include "cli/command_line.h"
#include "commands.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace lectio::notify {
namespace {

constexpr std::string_view k_tool = "lectio-notify";

constexpr std::string_view k_examples =
    "  lectio-notify send \"backup is late\"             tell the operator; stored before it is sent\n"
    "  journalctl -n 20 | lectio-notify send --level warning --title \"last lines\" -\n"
    "  lectio-notify send --key deploy --level critical \"deploy failed\"   told once an hour\n"
    "  lectio-notify flush                             send what waits, for at most 50 s\n"
    "  lectio-notify test                              does a message really arrive? if not, why?\n"
    "  lectio-notify mute 30m --reason \"moving the database\"\n"
    "  lectio-notify list                              what is broken, and its ids; lectio-notify ack ID\n"
    "  * * * * * root lectio-notify poll -q            the line of /etc/cron.d: /mute, /ack … from the "
    "phone\n"
    "  ExecStopPost=+lectio-notify unit %n                   in a unit: each of its falls is told; with it\n"
    "  OnFailure=failure-notifier@%n.service                 that systemd has given up, or could not begin\n";

constexpr std::string_view k_exit_codes =
    "Exit status: send, unit: 0 stored or delivered, 2 neither. flush, retry: 0 nothing waits, 1 some wait,\n"
    "2 some were rejected; poll as flush, 75 while another poll runs. test: 0 all arrived, 2 not all. All:\n"
    "64 wrong usage, 70 internal error, 77 needs rights, 78 wrong configuration.\n";

constexpr Phrase k_no_command{"a command is needed: {}", "нужна команда: {}"};

void add(CLI::App& app, const Argument& argument) {
    if (bool* const* flag = std::get_if<bool*>(&argument.into)) {
        app.add_flag(argument.name, **flag, argument.help);
        return;
    }
    CLI::Option* option =
        app.add_option(argument.name, *std::get<std::string*>(argument.into), argument.help);
    option->type_name(argument.type_name)->required(argument.required);
    if (!argument.choices.empty()) {
        option->check(CLI::IsMember(argument.choices).description(""));
    }
}

struct Offered {
    CLI::App* app = nullptr;
    std::unique_ptr<Command> command;
};

std::vector<Offered> offer_commands(CLI::App& app) {
    std::vector<Offered> all;
    for (const CommandRow& row : all_commands()) {
        Offered offered{app.add_subcommand(std::string(row.name), std::string(row.summary)), row.make()};
        for (const Argument& argument : offered.command->arguments()) {
            add(*offered.app, argument);
        }
        all.push_back(std::move(offered));
    }
    return all;
}

std::string command_names() {
    std::string names;
    for (const CommandRow& row : all_commands()) {
        names += names.empty() ? "" : ", ";
        names += row.name;
    }
    return names;
}

// The old script's one argument was the unit (LEGACY.md).
bool is_old_name(const char* argv0) {
    return std::filesystem::path(argv0 == nullptr ? "" : argv0).filename() == "notify_failure.sh";
}

std::variant<Options, int> parse_words(int argc, char** argv) {
    Options options;
    CLI::App app;
    describe(app, k_tool, "Sends messages to the operator, and what still waits to be sent.", k_examples,
             k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    std::vector<Offered> all = offer_commands(app);
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    for (Offered& offered : all) {
        if (offered.app->parsed()) {
            options.command = std::move(offered.command);
        }
    }
    if (options.common.check_config) { // needs no command
        return options;
    }
    const Text complaint =
        options.command == nullptr ? say(k_no_command, command_names()) : options.command->complaint();
    if (!complaint.empty()) {
        return wrong_usage(k_tool, complaint, options.common);
    }
    return options;
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    if (argc < 1 || !is_old_name(argv[0])) {
        return parse_words(argc, argv);
    }
    std::string command = "unit";
    std::vector<char*> words(argv, argv + argc);
    words.insert(words.begin() + 1, command.data());
    return parse_words(static_cast<int>(words.size()), words.data());
}

} // namespace lectio::notify

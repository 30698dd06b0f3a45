#include "options.h"

#include "cli/command_line.h"
#include "util/text.h"

#include <iostream>
#include <string>
#include <vector>

namespace lectio::notify {
namespace {

constexpr std::string_view k_examples =
    "  lectio-notify send \"backup is late\"             tell the operator; stored before it is sent\n"
    "  journalctl -n 20 | lectio-notify send --level warning --title \"last lines\" -\n"
    "  lectio-notify send --key deploy --level critical \"deploy failed\"   told once an hour\n"
    "  lectio-notify flush                             send what waits, for at most 50 s\n"
    "  lectio-notify test                              does a message really arrive? if not, why?\n";

constexpr std::string_view k_exit_codes =
    "Exit codes: send: 0 stored or delivered, 2 neither. flush: 0 nothing waits, 1 some wait, 2 some were\n"
    "rejected. test: 0 all arrived, 2 not all. All: 64 wrong usage, 70 internal error, 77 needs rights,\n"
    "78 wrong configuration.\n";

constexpr Phrase k_nothing_to_send{"there is nothing to send: give a text, or put it on standard input",
                                   "отправлять нечего: укажите текст или подайте его на стандартный ввод"};
constexpr Phrase k_no_command{"a command is needed: send, flush or test",
                              "нужна команда: send, flush или test"};

// More than this is no message; reading all of an endless pipe would be worse.
constexpr std::size_t k_longest_text = std::size_t{64} << 10U;

std::string read_standard_input() {
    std::string text(k_longest_text, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    return text;
}

void add_send(CLI::App& app, SendCommand& send, std::string& text) {
    static const std::vector<std::string> k_levels{"critical", "warning", "info", "resolved"};
    app.add_option_function<std::string>(
           "--level", [&](const std::string& word) { send.level = parse_level(word).value_or(Level::info); },
           "critical, warning, info (default) or resolved")
        ->type_name("LEVEL")
        ->check(CLI::IsMember(k_levels).description(""));
    app.add_option("--key", send.key, "The same key is told once in alerts.key_window")->type_name("KEY");
    app.add_option("--title", send.title, "Default: the first line of the text")->type_name("TITLE");
    app.add_option("text", text, "What to tell; - or nothing: standard input")->type_name("TEXT");
}

} // namespace

std::variant<Options, int> parse_options(int argc, char** argv) {
    Options options;
    SendCommand send;
    TestCommand test;
    std::string text = "-";
    CLI::App app;
    describe(app, "lectio-notify", "Sends messages to the operator, and what still waits to be sent.",
             k_examples, k_exit_codes);
    add_common_options(app, options.common, Reports::text_and_json);
    CLI::App* sending = app.add_subcommand("send", "Store a message and try to deliver it, for at most 2 s");
    CLI::App* flushing = app.add_subcommand("flush", "Deliver what waits, for at most 50 s");
    CLI::App* testing =
        app.add_subcommand("test", "Send a real message through the channels and say what is wrong");
    add_send(*sending, send, text);
    testing->add_option("channel", test.channel, "Only this one")->type_name("CHANNEL");
    app.require_subcommand(0, 1);
    if (const std::optional<int> leave = parse(app, argc, argv)) {
        return *leave;
    }
    if (options.common.check_config) { // needs no command
        return options;
    }
    if (sending->parsed()) {
        send.text = text == "-" ? read_standard_input() : text;
        if (trim(send.text).empty() && trim(send.title).empty()) {
            return wrong_usage("lectio-notify", say(k_nothing_to_send), options.common);
        }
        options.command = std::move(send);
    } else if (testing->parsed()) {
        options.command = std::move(test);
    } else if (!flushing->parsed()) {
        return wrong_usage("lectio-notify", say(k_no_command), options.common);
    }
    return options;
}

} // namespace lectio::notify

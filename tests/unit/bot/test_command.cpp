#include "bot/command.h"

#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

using Word = OperatorCommand::Word;

std::string read(std::string_view text, std::string_view bot = "lectio_bot") {
    const ReadCommand read = read_command(text, bot);
    if (const auto* command = std::get_if<OperatorCommand>(&read)) {
        return std::string(to_string(command->word)) + "(" + command->argument + ")";
    }
    if (std::holds_alternative<UnknownCommand>(read)) {
        return "unknown";
    }
    const auto* bad = std::get_if<BadArgument>(&read);
    return bad == nullptr ? "not for us" : "bad " + std::string(to_string(bad->word));
}

} // namespace

TEST_CASE("A command is one known word with at most one plain argument") {
    CHECK(read("/status") == "status()");
    CHECK(read("/mute 30m") == "mute(30m)");
    CHECK(read("/mute  30m ") == "mute(30m)");
    CHECK(read("/ack health/site") == "ack(health/site)");
    CHECK(read("/start") == "help()");
    CHECK(read("/mute@lectio_bot 1h") == "mute(1h)");
    CHECK(read("/mute@Lectio_Bot 1h") == "mute(1h)");
}

TEST_CASE("What is no command of ours is not for us") {
    for (const char* text :
         {"", "/", "status", "mute 30m", " /status", "/status;reboot", "/usr/bin/true", "/foo@other_bot",
          "/status@other_bot", "/status@", "/@lectio_bot", "/mute\n30m", "/mute\t30m"}) {
        INFO(text);
        CHECK(read(text) == "not for us");
    }
    CHECK(read("/status@lectio_bot", "") == "not for us");
}

TEST_CASE(
    "A command that is none of ours is told apart from what is said to others, and capitals are a phone's") {
    for (const char* text :
         {"/reboot", "/list", "/maintenance 1h", "/details x", "/foo@lectio_bot", "/foo $(reboot)"}) {
        INFO(text);
        CHECK(read(text) == "unknown");
    }
    CHECK(read("/Status") == "status()");
    CHECK(read("/MUTE@LECTIO_BOT 1h") == "mute(1h)");
}

TEST_CASE("An argument that is more than letters, digits, / _ - is refused") {
    for (const char* text : {"/mute 30 m", "/mute $(reboot)", "/ack ../../etc", "/ack a;b", "/ack A",
                             "/mute 30м", "/mute 1h\n/unmute"}) {
        INFO(text);
        CHECK(read(text).starts_with("bad "));
    }
    CHECK(read("/ack " + std::string(64, 'a')) == "ack(" + std::string(64, 'a') + ")");
    CHECK(read("/ack " + std::string(65, 'a')) == "bad ack");
}

TEST_CASE("A button carries a word and an argument, and survives the way there and back") {
    for (const auto& [word, argument] :
         {std::pair{Word::ack, "k3x7qa-m2np4c"}, {Word::mute, "1h"}, {Word::details, "k3x7qa"}}) {
        const std::string data = button(word, argument);
        CHECK(data.size() <= 64);
        CHECK(read_button(data) == ReadCommand(OperatorCommand{word, argument}));
    }
    CHECK(std::holds_alternative<NotForUs>(read_button("")));
    CHECK(std::holds_alternative<NotForUs>(read_button("ack")));
    CHECK(std::holds_alternative<NotForUs>(read_button("/ack/x")));
    CHECK(std::holds_alternative<BadArgument>(read_button("ack/X Y")));
}

// CONTRACT 43 over whatever may be written: an accepted command is printable in the grammar, nothing else is.
TEST_CASE("No text becomes a command that the grammar does not know") {
    std::mt19937 random(4711);
    const std::string alphabet = "/ @abcdehkmnstu_-019\n;$A\xD0\xBC";
    const char* seeds[] = {"/status", "/mute 30m", "/ack k3x7qa", "/mute@lectio_bot 1h", "/check"};
    for (int i = 0; i < 20000; ++i) {
        std::string text = seeds[random() % std::size(seeds)];
        for (unsigned change = random() % 4; change > 0; --change) {
            const std::size_t at = random() % (text.size() + 1);
            const char letter = alphabet[random() % alphabet.size()];
            random() % 2 == 0 || at == text.size() ? (void)text.insert(at, 1, letter)
                                                   : (void)(text[at] = letter);
        }
        const ReadCommand read = read_command(text, "lectio_bot");
        if (const auto* command = std::get_if<OperatorCommand>(&read)) {
            INFO(text);
            CHECK(command->argument.size() <= 64);
            CHECK(command->argument.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789/_-") ==
                  std::string::npos);
            CHECK(text.find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("Each command that is typed has its line of help") {
    std::set<Word> helped;
    for (const CommandHelp& each : command_help()) {
        helped.insert(each.word);
        const std::string typed = "/" + std::string(to_string(each.word));
        CHECK(std::holds_alternative<OperatorCommand>(read_command(typed, "")));
    }
    CHECK(helped.size() == 7);
}

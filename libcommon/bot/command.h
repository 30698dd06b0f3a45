// What an operator asks for from the phone.
//
// This is remote input with root's rights (CONTRACT 43): a command is one of a few words with at most one argument of
// [a-z0-9/_-]{0,64}. Whatever else was written ends here and reaches no other code.
#pragma once

#include "words/phrase.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace lectio {

struct OperatorCommand {
    enum class Word { status, check, mute, unmute, mutestatus, ack, details, help };
    Word word = Word::help;
    std::string argument; // may be empty
    bool operator==(const OperatorCommand&) const = default;
};

// Not for us: no command, or one for another bot of the group.
struct NotForUs {
    bool operator==(const NotForUs&) const = default;
};
// A command that may have been meant for us, and is none of ours. What it was is not kept.
struct UnknownCommand {
    bool operator==(const UnknownCommand&) const = default;
};
// One of our words, with an argument that none of them takes.
struct BadArgument {
    OperatorCommand::Word word = OperatorCommand::Word::help;
    bool operator==(const BadArgument&) const = default;
};
using ReadCommand = std::variant<NotForUs, UnknownCommand, BadArgument, OperatorCommand>;

// "/mute 30m", "/Mute@our_bot 30m"; `bot`: our own name without @, empty where it is not known (a command that
// names a bot is then not for us). /start, which a phone sends when it meets a bot, is /help.
ReadCommand read_command(std::string_view text, std::string_view bot);

// What a button under an alert sends: "ack/k3x7qa", "mute/1h", "details/k3x7qa-m2np4c".
ReadCommand read_button(std::string_view data);
std::string button(OperatorCommand::Word word, std::string_view argument);

// "status" …, as typed after the slash.
std::string_view to_string(OperatorCommand::Word word);

// For the list that a phone shows while typing, and for /help; `details` is a button only.
struct CommandHelp {
    OperatorCommand::Word word;
    std::string_view argument; // "30m"; empty: none
    Phrase does;
};
std::span<const CommandHelp> command_help();

} // namespace lectio

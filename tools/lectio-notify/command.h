// A command of lectio-notify: what it takes from the command line and what it does. One file a command, and a row in
// commands.cpp.
#pragma once

#include "util/units.h"
#include "words/phrase.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lectio::notify {

class Session;

// Exit codes of the commands; wrong usage, rights and configuration are those of every tool (cli/exit_code.h).
inline constexpr int k_good = 0;
inline constexpr int k_waiting = 1;
inline constexpr int k_bad = 2;

// "--key": an option; "key": a word at its place. Where it goes: a text, whose content before is the default, or for a
// flag a truth.
struct Argument {
    std::string name;
    std::string type_name; // in --help: "KEY"; of a flag empty
    std::string help;
    std::variant<std::string*, bool*> into;
    std::vector<std::string> choices = {}; // empty: any text
    bool required = false;
};

class Command {
  public:
    virtual ~Command() = default;
    virtual std::vector<Argument> arguments() { return {}; }
    // Once the arguments are in their places: what is wrong with them (exit code 64), or nothing.
    virtual Text complaint() { return {}; }
    // The process ends itself when it runs longer: somebody hangs in a disk or a bus and would keep locks for ever.
    [[nodiscard]] virtual Duration longest(const Session& session) const = 0;
    // Prints its outcome. Returns the process's exit status.
    virtual int execute(Session& session) = 0;
};

struct CommandRow {
    std::string_view name;
    std::string_view summary; // in --help
    std::unique_ptr<Command> (*make)();
};

} // namespace lectio::notify

// Node: a configuration file as a tree with the position of every key and value.
// toml++ is included by parse.cpp alone (it is slow to compile and we need positions of keys, too).
#pragma once

#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lectio {

struct Position {
    std::uint32_t line = 0, column = 0; // from 1; 0 = nowhere in a file (made by discovery or config.env)
    auto operator<=>(const Position&) const = default;
};

class Node;

struct Member {
    std::string key;
    Position key_position;
    std::vector<Node> value; // exactly one; a vector because Node is incomplete here
};

class Node {
  public:
    struct Date { // TOML dates: never wanted, kept to be named in the problem
        std::string text;
    };
    using Array = std::vector<Node>;
    using Table = std::vector<Member>; // in the order of the file
    using Value = std::variant<bool, std::int64_t, double, std::string, Date, Array, Table>;

    Node();
    // Not inline: moving a variant that was just filled makes g++ 12 warn of members that are not in use.
    Node(Value value, Position position);

    [[nodiscard]] const Value& value() const { return m_value; }
    [[nodiscard]] Value& value() { return m_value; }
    [[nodiscard]] Position position() const { return m_position; } // of the value; of a [table]: its header
    template<class T>
    [[nodiscard]] const T* get() const {
        return std::get_if<T>(&m_value);
    }
    [[nodiscard]] const Node* find(std::string_view key) const; // in a table; nullptr when absent
    [[nodiscard]] const Member* member(std::string_view key) const;
    [[nodiscard]] Text type_name() const; // "text", "whole number", "table" …

    // A text that held ${NAME}: what was written, which problems quote instead of what it stands for, and the
    // name that is set nowhere, if any. Set by expand_references().
    [[nodiscard]] const std::string& written() const { return m_written; }
    [[nodiscard]] const std::string& unset() const { return m_unset; }
    void set_expanded(std::string text, std::string unset_name);

  private:
    Value m_value;
    Position m_position;
    std::string m_written;
    std::string m_unset;
};

// A problem or warning with its place. Form when printed: "FILE:LINE:COLUMN: message" (CONTRACT 3).
struct Problem {
    enum class Severity { error, warning };
    Severity severity = Severity::error;
    Position position;
    Text message;
    std::string suggestion; // what was meant, where that can be guessed: the message names it, too
};

class Problems {
  public:
    void error(Position position, Text message, std::string suggestion = {});
    void warning(Position position, Text message);
    [[nodiscard]] bool has_errors() const;
    void sort(); // by position, as one reads the file
    [[nodiscard]] const std::vector<Problem>& all() const { return m_all; }

  private:
    std::vector<Problem> m_all;
};

} // namespace lectio

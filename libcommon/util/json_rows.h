// Rows of plain members in a large JSON object that we have written ourselves, read without a tree of JSON: of the state of
// a thousand checks they are nearly all, and a tree of them is the larger part of reading it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// {"a":{"x":1,"y":"word"},"b":{…},…}: of each member that is an object of numbers and words without anything escaped.
struct JsonRows {
    struct Member {
        std::string_view key, word;
        bool is_number = false;
        std::uint64_t number = 0; // in place of the word
    };
    struct Row {
        std::string_view name;
        std::size_t first = 0, count = 0; // in `members`
    };
    JsonRows() = default;
    JsonRows(const JsonRows&) = delete; // the views lead into `text`
    JsonRows& operator=(const JsonRows&) = delete;

    std::string text;
    std::vector<Row> rows; // by name
    std::vector<Member> members;
    std::string others;   // the object of the members that are no such rows, as JSON as they are
    std::size_t size = 0; // of the whole object in its text
};

// The object that `text` begins with. Nothing where it is not written as Json::dump() writes a sorted one: without
// blanks, by name, each name once, all of them in ASCII. Of `others` it is not known whether it is JSON.
std::shared_ptr<const JsonRows> json_rows(std::string_view text);

} // namespace lectio

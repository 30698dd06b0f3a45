// The line that stands in a log in place of what was cut off its beginning: people see by it that something is gone, and who
// reads the log on finds by it where he was (checks/log_reader.h).
#pragma once

#include "util/units.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// A line of a log begins with its time: this much of a file is like no other's.
constexpr Bytes k_log_head = 512_B;

struct CutMark {
    std::uint64_t removed = 0; // what is behind the line stood so far down in the file as it was
    // Of its first bytes then, at most k_log_head, by fnv1a().
    std::uint64_t head_size = 0, head_hash = 0;
    bool operator==(const CutMark&) const = default;
};

// With its newline.
std::string line_of(const CutMark& mark);
struct FoundMark {
    CutMark mark;
    std::uint64_t length = 0; // of the line
};
// Of the text that a log begins with; nothing where it begins with something else.
std::optional<FoundMark> mark_at_beginning(std::string_view text);
constexpr Bytes k_longest_mark = 200_B;

} // namespace lectio

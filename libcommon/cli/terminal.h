// Where the report goes: stdout, whole or not at all, and whether it is a terminal.
#pragma once

#include "util/result.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace lectio {

enum class Colour { no, yes };

// Colour only on a terminal, and not where NO_COLOR (no-color.org) is set or TERM is dumb.
Colour wanted_colour();

struct TerminalSize {
    std::size_t rows = 24, columns = 80;
    bool operator==(const TerminalSize&) const = default;
};
// Of the terminal that standard output is; nothing where it is none, or one that cannot place its cursor (TERM=dumb).
std::optional<TerminalSize> terminal_size();

// Writes all of it, as slowly as it is read, also where a supervisor or ssh has made the pipe non-blocking. What
// bounds a run bounds the waiting (platform/stop.h).
Result<void> write_whole(int fd, std::string_view text);
// The same to standard output; an error when it could not be written (closed, full, broken pipe).
Result<void> print(std::string_view text);
// Diagnostics: to standard error, as far as it goes.
void complain(std::string_view text);

// Opens /dev/null on descriptors 0 to 2 that are closed, so that no file or socket of ours takes their place.
void ensure_standard_streams();

} // namespace lectio

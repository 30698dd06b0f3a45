// Input that is not shown: a secret that a person types or pipes in.
#pragma once

#include "util/result.h"

#include <string>
#include <string_view>

namespace lectio {

// A line typed on the terminal of this process, which shows `prompt` and nothing of the line. not_found: there is no
// terminal.
Result<std::string> read_hidden(std::string_view prompt);
// The first line of standard input, at most 4 kB of it.
Result<std::string> read_line_of_input();
// The same of a FIFO or another stream that a person has named; waits for its writer.
Result<std::string> read_line_of_stream(const std::string& path);

} // namespace lectio

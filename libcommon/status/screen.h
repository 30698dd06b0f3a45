// What of a text fits onto a terminal, and how it takes the place of what stood there.
#pragma once

#include "cli/terminal.h"
#include "words/phrase.h"

#include <string>
#include <string_view>

namespace lectio::status {

// A line, cut at so many columns with "…"; colours (CSI sequences) have no width, wide characters have two.
std::string cut(std::string_view line, std::size_t columns);

// From the upper left corner on, over whatever stands there. No mode of the terminal is changed (no other screen, no hidden
// cursor), so that nothing has to be put back however this process ends. What does not fit is counted in the last line.
std::string frame(std::string_view text, TerminalSize size, Lang lang);

} // namespace lectio::status

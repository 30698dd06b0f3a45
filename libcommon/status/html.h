// Words in HTML.
#pragma once

#include <string>
#include <string_view>

namespace lectio::status {

// As text or within a quoted attribute (HTML, 13.1.2.3): without control characters, on one line, never longer than what
// a page has room for.
std::string html_text(std::string_view words);
// The same of what consists of lines.
std::string html_lines(std::string_view words);

} // namespace lectio::status

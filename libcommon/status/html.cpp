#include "status/html.h"

#include "util/markup.h"
#include "util/text.h"

namespace lectio::status {
namespace {

constexpr std::size_t k_longest = 600; // a check says what it found in a line or two

} // namespace

std::string html_text(std::string_view words) {
    return escape_markup(shorten(clean_line(words), k_longest), Quotes::escaped);
}

std::string html_lines(std::string_view words) {
    std::string all;
    for (const std::string_view line : split_lines(words)) {
        all += (all.empty() ? "" : "<br>") + html_text(line);
    }
    return all;
}

} // namespace lectio::status

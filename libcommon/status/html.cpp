#include "status/html.h"

#include "util/text.h"

namespace lectio::status {
namespace {

constexpr std::size_t k_longest = 600; // a check says what it found in a line or two

std::string escape(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        switch (c) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        case '"':
            escaped += "&quot;";
            break;
        case '\'':
            escaped += "&#39;";
            break;
        default:
            escaped += c;
        }
    }
    return escaped;
}

} // namespace

std::string html_text(std::string_view words) {
    return escape(shorten(clean_line(words), k_longest));
}

std::string html_lines(std::string_view words) {
    std::string all;
    for (const std::string_view line : split_lines(words)) {
        all += (all.empty() ? "" : "<br>") + html_text(line);
    }
    return all;
}

} // namespace lectio::status

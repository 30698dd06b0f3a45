#include "status/screen.h"

#include "util/text.h"

#include <algorithm>
#include <vector>

namespace lectio::status {
namespace {

constexpr std::string_view k_home = "\x1B[H", k_rest_of_line = "\x1B[K", k_rest_of_screen = "\x1B[J";
constexpr std::string_view k_no_colour = "\x1B[0m";

constexpr Phrase k_more{"… {} more lines", "… ещё строк: {}"};

// How many bytes stand for one character, whatever they are.
std::size_t bytes_of(unsigned char first) {
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

char32_t code_of(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    char32_t code = character.size() == 1 ? first : first & (0x7FU >> character.size());
    for (const char next : character.substr(1)) {
        code = code << 6U | (static_cast<unsigned char>(next) & 0x3FU);
    }
    return code;
}

// East Asian Wide and emoji, as terminals draw them (unicode.org/reports/tr11), in ranges that are wide enough: a line that
// is cut too early is no harm, one that wraps spoils the screen.
std::size_t width_of(char32_t code) {
    const bool is_mark = (code >= 0x0300 && code <= 0x036F) || code == 0x200D;
    const bool is_wide = (code >= 0x1100 && code <= 0x115F) || (code >= 0x2E80 && code <= 0xA4CF) ||
                         (code >= 0xAC00 && code <= 0xD7A3) || (code >= 0xF900 && code <= 0xFAFF) ||
                         (code >= 0xFF00 && code <= 0xFF60) || (code >= 0x2600 && code <= 0x27BF) ||
                         code >= 0x1F000;
    return is_mark ? 0 : is_wide ? 2 : 1;
}

// The bytes of a colour that begins here; 0: none does.
std::size_t colour_at(std::string_view text) {
    if (!text.starts_with("\x1B[")) {
        return 0;
    }
    const std::size_t end = text.find_first_not_of("0123456789;", 2);
    return end == std::string_view::npos ? text.size() : end + 1;
}

} // namespace

std::string cut(std::string_view line, std::size_t columns) {
    std::size_t width = 0;
    std::size_t fits = 0; // bytes before the last column, where "…" would stand
    for (std::size_t at = 0; at < line.size();) {
        if (const std::size_t colour = colour_at(line.substr(at))) {
            at += colour;
            continue;
        }
        const std::string_view character = line.substr(at, bytes_of(static_cast<unsigned char>(line[at])));
        width += width_of(code_of(character));
        if (width > columns) {
            return std::string(line.substr(0, fits)) + std::string(k_no_colour) + "…";
        }
        at += character.size();
        fits = width < columns ? at : fits;
    }
    return std::string(line);
}

std::string frame(std::string_view text, TerminalSize size, Lang lang) {
    std::vector<std::string_view> lines = split_lines(text);
    if (!lines.empty() && lines.back().empty()) {
        lines.pop_back();
    }
    // The cursor stands below: a line feed in the last line would scroll.
    const std::size_t room = std::max<std::size_t>(size.rows, 2) - 1;
    const std::size_t shown = lines.size() <= room ? lines.size() : room - 1;
    std::string out(k_home);
    const auto put = [&](std::string_view line) {
        out += cut(line, std::max<std::size_t>(size.columns, 1));
        out += k_rest_of_line;
        out += '\n';
    };
    for (std::size_t i = 0; i < shown; ++i) {
        put(lines[i]);
    }
    if (shown < lines.size()) {
        put(say(k_more, lines.size() - shown).in(lang));
    }
    out += k_rest_of_screen;
    return out;
}

} // namespace lectio::status

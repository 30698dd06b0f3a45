#include "util/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <limits>

namespace lectio {
namespace {

constexpr std::string_view k_replacement = "\xEF\xBF\xBD"; // U+FFFD

struct CodePoint {
    std::uint32_t value = 0;
    std::size_t size = 0; // bytes; 0 = not valid UTF-8 at this place
};

CodePoint decode(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
    };
    const std::uint32_t first = byte(at);
    if (first < 0x80) {
        return {first, 1};
    }
    std::size_t size = 0;
    std::uint32_t value = 0;
    std::uint32_t lowest = 0;
    if ((first & 0xE0U) == 0xC0U) {
        size = 2, value = first & 0x1FU, lowest = 0x80;
    } else if ((first & 0xF0U) == 0xE0U) {
        size = 3, value = first & 0x0FU, lowest = 0x800;
    } else if ((first & 0xF8U) == 0xF0U) {
        size = 4, value = first & 0x07U, lowest = 0x10000;
    } else {
        return {};
    }
    if (at + size > text.size()) {
        return {};
    }
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(at + i) & 0xC0U) != 0x80U) {
            return {};
        }
        value = (value << 6U) | (byte(at + i) & 0x3FU);
    }
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < lowest || value > 0x10FFFF || surrogate) {
        return {};
    }
    return {value, size};
}

bool is_control(std::uint32_t c) {
    return c < 0x20 || (c >= 0x7F && c <= 0x9F);
}

// Characters that show nothing but change how the text around them is read (CVE-2021-42574 and kin).
bool is_invisible(std::uint32_t c) {
    return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) ||
           c == 0xFEFF || c == 0x061C || (c >= 0xE0000 && c <= 0xE007F);
}

enum class Lines { keep, fold };

std::string clean_text(std::string_view text, Lines lines) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode(text, at);
        if (point.size == 0) {
            out += k_replacement;
            ++at;
            continue;
        }
        const bool space = point.value == '\n' || point.value == '\t' || point.value == ' ';
        if (space && lines == Lines::fold) {
            if (!out.empty() && out.back() != ' ') {
                out += ' ';
            }
        } else if (point.value == '\r' && at + 1 < text.size() && text[at + 1] == '\n') {
            // the carriage return of a line end says nothing
        } else if (is_control(point.value) && !space) {
            out += '?';
        } else if (!is_invisible(point.value)) {
            out += text.substr(at, point.size);
        }
        at += point.size;
    }
    if (lines == Lines::fold && !out.empty() && out.back() == ' ') {
        out.pop_back();
    }
    return out;
}

std::size_t distance(std::string_view a, std::string_view b) {
    // Damerau-Levenshtein, optimal string alignment; names are short.
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        d[i][0] = i;
    }
    for (std::size_t j = 0; j <= b.size(); ++j) {
        d[0][j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

} // namespace

std::string_view trim(std::string_view text) {
    constexpr std::string_view k_blank = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(k_blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(k_blank) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        lines.push_back(line);
        if (end == std::string_view::npos) {
            break;
        }
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::string to_lower_ascii(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return out;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    return to_lower_ascii(text).find(to_lower_ascii(part)) != std::string::npos;
}

namespace {

// How many bytes are ASCII before the first that is not. Of gigabytes of log nearly all are, so 64 are judged at once.
std::size_t ascii_run(std::string_view text) {
    constexpr std::uint64_t k_high_bits = 0x8080808080808080U;
    std::array<std::uint64_t, 8> block{};
    std::size_t at = 0;
    for (; at + sizeof block <= text.size(); at += sizeof block) {
        std::memcpy(block.data(), text.data() + at, sizeof block);
        std::uint64_t any = 0;
        for (const std::uint64_t part : block) {
            any |= part;
        }
        if ((any & k_high_bits) != 0) {
            break;
        }
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) {
        ++at;
    }
    return at;
}

} // namespace

bool is_utf8(std::string_view text) {
    for (std::size_t at = ascii_run(text); at < text.size();) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            at += ascii_run(text.substr(at));
            continue;
        }
        const CodePoint point = decode(text, at);
        if (point.size == 0) {
            return false;
        }
        at += point.size;
    }
    return true;
}

std::string to_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode(text, at);
        if (point.size == 0) {
            out += k_replacement;
            ++at;
        } else {
            out += text.substr(at, point.size);
            at += point.size;
        }
    }
    return out;
}

std::string clean(std::string_view text) {
    return clean_text(text, Lines::keep);
}

std::string clean_line(std::string_view text) {
    return clean_text(text, Lines::fold);
}

std::size_t utf16_length(std::string_view utf8) {
    std::size_t units = 0;
    for (const char c : utf8) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80U) {
            units += byte >= 0xF0U ? 2 : 1;
        }
    }
    return units;
}

std::string_view utf16_prefix(std::string_view utf8, std::size_t units) {
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < utf8.size()) {
        const auto byte = static_cast<unsigned char>(utf8[at]);
        const std::size_t cost = byte >= 0xF0U ? 2 : 1;
        if (used + cost > units) {
            break;
        }
        used += cost;
        for (++at; at < utf8.size() && (static_cast<unsigned char>(utf8[at]) & 0xC0U) == 0x80U; ++at) {
        }
    }
    return utf8.substr(0, at);
}

std::string shorten(std::string_view utf8, std::size_t characters) {
    std::size_t count = 0;
    std::size_t cut = 0; // where the text of `characters - 1` code points ends
    for (std::size_t at = 0; at < utf8.size(); ++at) {
        if ((static_cast<unsigned char>(utf8[at]) & 0xC0U) == 0x80U) {
            continue;
        }
        if (count + 1 == characters) {
            cut = at;
        }
        if (++count > characters) {
            return std::string(utf8.substr(0, cut)) + "…";
        }
    }
    return std::string(utf8);
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::optional<std::string_view> best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    const std::size_t limit = std::max<std::size_t>(1, word.size() / 3);
    constexpr std::size_t k_shortest_beginning = 4; // "match" for "matches", "warning" for "warn"
    for (const std::string_view candidate : candidates) {
        const std::size_t d = distance(word, candidate);
        if (d <= limit && d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    if (best || word.size() < k_shortest_beginning) {
        return best;
    }
    const auto begun = [&](std::string_view candidate) {
        return candidate.starts_with(word) ||
               (candidate.size() >= k_shortest_beginning && word.starts_with(candidate));
    };
    const auto first = std::find_if(candidates.begin(), candidates.end(), begun);
    const bool is_only = first != candidates.end() && std::none_of(first + 1, candidates.end(), begun);
    return is_only ? std::optional(*first) : std::nullopt;
}

bool wildcard_match(std::string_view pattern, std::string_view text) {
    // Iterative with one point of return: linear in text times pattern, whatever the pattern.
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        std::size_t used = 0; // pattern characters that match text[t]; 0 = none
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
            continue;
        }
        if (p < pattern.size() && pattern[p] == '[') {
            const bool negated = p + 1 < pattern.size() && pattern[p + 1] == '!';
            const std::size_t first = p + 1 + (negated ? 1 : 0);
            const std::size_t end = pattern.find(']', first + 1);
            if (end != std::string_view::npos) {
                bool inside = false;
                for (std::size_t i = first; i < end; ++i) {
                    if (i + 2 < end && pattern[i + 1] == '-') {
                        inside = inside || (text[t] >= pattern[i] && text[t] <= pattern[i + 2]);
                        i += 2;
                    } else {
                        inside = inside || text[t] == pattern[i];
                    }
                }
                used = inside != negated ? end - p + 1 : 0;
            } else if (text[t] == '[') {
                used = 1;
            }
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            used = 1;
        }
        if (used != 0) {
            p += used;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

bool is_name(std::string_view text) {
    if (text.empty() || text.size() > 64 || text.front() == '_' || text.front() == '-') {
        return false;
    }
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

} // namespace lectio

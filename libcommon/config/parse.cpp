#include "config/parse.h"

#include "config/syntax_words.h"
#include "util/text.h"

#include <algorithm>

// Errors come as values, and nesting is bounded: trees are freed and read by recursion.
#define TOML_EXCEPTIONS 0
// A text like [“x] meets an assertion, which ends a debug build; the check behind it reports the mistake.
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_MAX_NESTED_VALUES 32
#include <toml++/toml.h>

namespace lectio {
namespace {

constexpr Phrase k_too_large{"the file is larger than 1 MB: not a configuration",
                             "файл больше 1 МБ: это не конфигурация"};
constexpr Phrase k_utf16{"UTF-16; save the file as UTF-8", "файл в UTF-16; сохраните его в UTF-8"};
constexpr Phrase k_zero_byte{"a NUL byte: not a text file", "нулевой байт: это не текстовый файл"};
constexpr Phrase k_not_utf8{"not valid UTF-8; save the file as UTF-8",
                            "это не UTF-8; сохраните файл в UTF-8"};
constexpr Phrase k_too_deep{"a key of more than {} parts", "в ключе больше {} частей"};

constexpr std::size_t k_key_depth = 16; // parts of a dotted key; toml++ has no limit of its own

Position position_of(const toml::source_position& place) {
    return {static_cast<std::uint32_t>(place.line), static_cast<std::uint32_t>(place.column)};
}

// Line and column (in characters) of a byte.
Position position_at(std::string_view text, std::size_t at) {
    Position position{1, 1};
    for (const char c : text.substr(0, at)) {
        if (c == '\n') {
            ++position.line;
            position.column = 1;
        } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
            ++position.column;
        }
    }
    return position;
}

// The byte at a place; the end where there is none.
std::size_t byte_at(std::string_view text, Position place) {
    Position position{1, 1};
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool whole = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
        if (whole && position >= place) {
            return i;
        }
        if (text[i] == '\n') {
            position = {position.line + 1, 1};
        } else if (i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xC0U) != 0x80U) {
            ++position.column;
        }
    }
    return text.size();
}

// Where a string that begins at `at` ends (one past it), as TOML's four kinds of strings do.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string triple(3, quote);
    const bool long_string = text.substr(at, 3) == triple;
    std::size_t i = at + (long_string ? 3 : 1);
    while (i < text.size()) {
        if (text[i] == '\\' && quote == '"') {
            i += 2;
        } else if (long_string ? text.substr(i, 3) == triple : text[i] == quote || text[i] == '\n') {
            return i + (long_string ? 3 : 1);
        } else {
            ++i;
        }
    }
    return text.size();
}

// A key like a.a.a.a… of a whole megabyte would make a tree so deep that freeing it overflows the stack.
// Returns where a key has too many parts.
std::optional<std::size_t> too_deep_key(std::string_view text) {
    std::size_t dots = 0;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        if (c == '"' || c == '\'') {
            i = end_of_string(text, i);
            continue;
        }
        if (c == '#') {
            i = std::min(text.find('\n', i), text.size());
            continue;
        }
        if (c == '.') {
            if (++dots >= k_key_depth) {
                return i;
            }
        } else if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos) {
            dots = 0;
        }
        ++i;
    }
    return std::nullopt;
}

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
    if (is_utf8(text)) {
        return std::nullopt;
    }
    // Lines are independent: the first bad line, then the first byte at which its rest goes wrong.
    std::size_t start = 0;
    for (;;) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        if (!is_utf8(line)) {
            std::size_t good = 0;
            for (std::size_t size = 1; size <= line.size(); ++size) {
                const bool boundary =
                    size == line.size() || (static_cast<unsigned char>(line[size]) & 0xC0U) != 0x80U;
                if (!boundary) {
                    continue;
                }
                if (!is_utf8(line.substr(good, size - good))) {
                    break;
                }
                good = size;
            }
            return start + good;
        }
        start = end + 1;
    }
}

Node convert(const toml::node& node);

Node convert_table(const toml::table& table) {
    Node::Table members;
    members.reserve(table.size());
    for (const auto& [key, value] : table) {
        const Position key_position = position_of(key.source().begin);
        Node node = convert(value);
        if (node.get<Node::Array>() != nullptr && node.position() < key_position) {
            node =
                Node(std::move(node.value()), key_position); // [[x]]: there is no other bracket to point at
        }
        Member& member = members.emplace_back(Member{std::string(key.str()), key_position, {}});
        member.value.push_back(std::move(node)); // a list in braces would copy it
    }
    // toml++ sorts by name; checks run, and problems are told, in the order of the file.
    std::stable_sort(members.begin(), members.end(),
                     [](const Member& a, const Member& b) { return a.key_position < b.key_position; });
    return {Node::Value(std::move(members)), position_of(table.source().begin)};
}

Node convert_array(const toml::array& array) {
    Node::Array items;
    items.reserve(array.size());
    for (const toml::node& item : array) {
        items.push_back(convert(item));
    }
    return {Node::Value(std::move(items)), position_of(array.source().begin)};
}

Node convert(const toml::node& node) {
    const Position position = position_of(node.source().begin);
    switch (node.type()) {
    case toml::node_type::table:
        return convert_table(*node.as_table());
    case toml::node_type::array:
        return convert_array(*node.as_array());
    case toml::node_type::string:
        return {Node::Value(node.as_string()->get()), position};
    case toml::node_type::integer:
        return {Node::Value(node.as_integer()->get()), position};
    case toml::node_type::floating_point:
        return {Node::Value(node.as_floating_point()->get()), position};
    case toml::node_type::boolean:
        return {Node::Value(node.as_boolean()->get()), position};
    default: // dates and times
        return {Node::Value(Node::Date{}), position};
    }
}

} // namespace

std::optional<Node> parse_toml(std::string_view text, Problems& problems) {
    constexpr std::string_view k_mark = "\xEF\xBB\xBF";
    if (text.starts_with(k_mark)) {
        text.remove_prefix(k_mark.size());
    }
    if (text.size() > k_config_size.count) {
        problems.error({1, 1}, say(k_too_large));
        return std::nullopt;
    }
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
        const bool wide = text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
        problems.error(position_at(text, zero), say(wide ? k_utf16 : k_zero_byte));
        return std::nullopt;
    }
    if (const std::optional<std::size_t> bad = first_invalid_utf8(text)) {
        problems.error(position_at(text, *bad), say(k_not_utf8));
        return std::nullopt;
    }
    if (const std::optional<std::size_t> deep = too_deep_key(text)) {
        problems.error(position_at(text, *deep), say(k_too_deep, k_key_depth));
        return std::nullopt;
    }
    const toml::parse_result result = toml::parse(text);
    if (!result) {
        const Position place = position_of(result.error().source().begin);
        SyntaxWords words = syntax_words(text, byte_at(text, place), result.error().description());
        problems.error(place, std::move(words.message), std::move(words.suggestion));
        return std::nullopt;
    }
    return convert(result.table());
}

} // namespace lectio

#include "discovery/nginx_config.h"

#include "util/text.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace lectio {
namespace {

// Real configurations are a few hundred kilobytes in a few hundred files. Beyond these limits nobody is served by
// reading on, every minute.
constexpr Bytes k_largest_file = 4_MB;
constexpr std::size_t k_most_text = std::size_t{16} << 20U;
constexpr std::size_t k_most_files = 2000;
constexpr std::size_t k_most_directives = 100'000;
constexpr std::size_t k_deepest_block = 32;
constexpr std::size_t k_deepest_include = 8;

constexpr std::string_view k_blanks = " \t\r\n";

bool is_blank(char c) {
    return k_blanks.find(c) != std::string_view::npos;
}

// ── words ──────────────────────────────────────────────────────────────────────────────────────────────────

// What nginx leaves of \" \' \\ \t \r \n; any other backslash stays (regular expressions are full of them).
std::string unescape(std::string_view raw) {
    std::string word;
    word.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '\\' || i + 1 == raw.size()) {
            word += raw[i];
            continue;
        }
        switch (const char next = raw[++i]) {
        case '"':
        case '\'':
        case '\\':
            word += next;
            break;
        case 't':
            word += '\t';
            break;
        case 'r':
            word += '\r';
            break;
        case 'n':
            word += '\n';
            break;
        default:
            word += '\\';
            word += next;
        }
    }
    return word;
}

struct Token {
    enum class Kind { word, end_of_directive, block, end_of_block, end, broken };
    Kind kind = Kind::end;
    std::string word;
};

class Tokens {
  public:
    explicit Tokens(std::string_view text) : m_text(text) {}

    Token next() {
        skip_blanks_and_comments();
        if (m_at == m_text.size()) {
            return {Token::Kind::end, {}};
        }
        switch (m_text[m_at]) {
        case ';':
            ++m_at;
            return {Token::Kind::end_of_directive, {}};
        case '{':
            ++m_at;
            return {Token::Kind::block, {}};
        case '}':
            ++m_at;
            return {Token::Kind::end_of_block, {}};
        case '"':
        case '\'':
            return quoted(m_text[m_at]);
        default:
            return bare();
        }
    }

    // Behind the opening brace of a block of Lua: to behind its closing one. False: it does not end.
    bool skip_lua() {
        std::size_t depth = 1;
        while (m_at < m_text.size()) {
            if (skip_lua_literal()) {
                continue;
            }
            const char c = m_text[m_at++];
            if (c == '{') {
                ++depth;
            } else if (c == '}' && --depth == 0) {
                return true;
            }
        }
        return false;
    }

  private:
    void skip_blanks_and_comments() {
        while (m_at < m_text.size()) {
            if (m_text[m_at] == '#') {
                m_at = std::min(m_text.find('\n', m_at), m_text.size());
            } else if (is_blank(m_text[m_at])) {
                ++m_at;
            } else {
                return;
            }
        }
    }

    Token quoted(char quote) {
        const std::size_t begin = ++m_at;
        while (m_at < m_text.size() && m_text[m_at] != quote) {
            m_at += m_text[m_at] == '\\' ? 2 : 1;
        }
        if (m_at >= m_text.size()) {
            m_at = m_text.size();
            return {Token::Kind::broken, {}};
        }
        return {Token::Kind::word, unescape(m_text.substr(begin, m_at++ - begin))};
    }

    // Ends at a blank, a semicolon or a brace, but not at the brace of ${name}.
    Token bare() {
        const std::size_t begin = m_at;
        while (m_at < m_text.size()) {
            const char c = m_text[m_at];
            const bool in_variable = c == '{' && m_at > begin && m_text[m_at - 1] == '$';
            if (is_blank(c) || c == ';' || (c == '{' && !in_variable)) {
                break;
            }
            m_at = std::min(m_at + (c == '\\' ? 2 : 1), m_text.size());
        }
        return {Token::Kind::word, unescape(m_text.substr(begin, m_at - begin))};
    }

    // A comment, a string, or a long bracket of Lua, if one begins here.
    bool skip_lua_literal() {
        const char c = m_text[m_at];
        if (c == '"' || c == '\'') {
            static_cast<void>(quoted(c));
            return true;
        }
        if (m_text.substr(m_at, 2) == "--") {
            m_at += 2;
            if (!skip_long_bracket()) {
                m_at = std::min(m_text.find('\n', m_at), m_text.size());
            }
            return true;
        }
        return skip_long_bracket();
    }

    bool skip_long_bracket() { // [[…]], [==[…]==]
        if (m_at >= m_text.size() || m_text[m_at] != '[') {
            return false;
        }
        const std::size_t after = m_text.find_first_not_of('=', m_at + 1);
        if (after == std::string_view::npos || m_text[after] != '[') {
            return false;
        }
        const std::string close = "]" + std::string(after - m_at - 1, '=') + "]";
        const std::size_t end = m_text.find(close, after + 1);
        m_at = end == std::string_view::npos ? m_text.size() : end + close.size();
        return true;
    }

    std::string_view m_text;
    std::size_t m_at = 0;
};

// ── directives ─────────────────────────────────────────────────────────────────────────────────────────────

class Parser {
  public:
    Parser(NginxSource& source, const Path& main) : m_source(source), m_folder(main.parent_path()) {}

    NginxTree parse(const Path& main) {
        read_file(main, 0);
        return std::move(m_tree);
    }

  private:
    void read_file(const Path& path, std::size_t depth) {
        if (depth > k_deepest_include || ++m_files > k_most_files) {
            m_tree.whole = false;
            return;
        }
        const Result<std::string> text = m_source.read(path);
        m_text += text ? text->size() : 0;
        if (!text || m_text > k_most_text) {
            m_tree.whole = false;
            return;
        }
        read_text(*text, depth);
    }

    // Blocks that are open when the file begins are its includer's: it can neither close them nor leave more.
    void read_text(std::string_view text, std::size_t depth) {
        const std::size_t outer = m_open.size();
        Tokens tokens(text);
        NginxDirective directive;
        for (;;) {
            Token token = tokens.next();
            switch (token.kind) {
            case Token::Kind::word:
                add_word(directive, std::move(token.word));
                break;
            case Token::Kind::end_of_directive:
                finish(std::exchange(directive, {}), depth);
                break;
            case Token::Kind::block:
                begin_block(std::exchange(directive, {}), tokens);
                break;
            case Token::Kind::end_of_block:
                m_tree.whole = m_tree.whole && directive.name.empty() && m_open.size() > outer;
                directive = {};
                if (m_open.size() > outer) {
                    end_block();
                }
                break;
            case Token::Kind::end:
            case Token::Kind::broken:
                m_tree.whole = m_tree.whole && token.kind == Token::Kind::end && directive.name.empty() &&
                               m_open.size() == outer;
                while (m_open.size() > outer) {
                    end_block();
                }
                return;
            }
            if (m_directives > k_most_directives) {
                m_tree.whole = false;
                while (m_open.size() > outer) {
                    end_block();
                }
                return;
            }
        }
    }

    static void add_word(NginxDirective& directive, std::string word) {
        if (directive.name.empty()) {
            directive.name = std::move(word);
        } else {
            directive.arguments.push_back(std::move(word));
        }
    }

    void finish(NginxDirective directive, std::size_t depth) {
        if (directive.name == "include" && directive.arguments.size() == 1) {
            include(directive.arguments.front(), depth);
        } else if (!directive.name.empty()) {
            add(std::move(directive));
        }
    }

    void begin_block(NginxDirective directive, Tokens& tokens) {
        ++m_directives;
        if (directive.name.ends_with("_by_lua_block")) {
            m_tree.whole = tokens.skip_lua() && m_tree.whole;
            add(std::move(directive));
            return;
        }
        if (m_open.size() >= k_deepest_block) { // its content is read as that of the block around it
            m_tree.whole = false;
            return;
        }
        m_open.push_back(std::move(directive));
    }

    void end_block() {
        NginxDirective directive = std::move(m_open.back());
        m_open.pop_back();
        add(std::move(directive));
    }

    void add(NginxDirective directive) {
        ++m_directives;
        (m_open.empty() ? m_tree.directives : m_open.back().block).push_back(std::move(directive));
    }

    void include(const std::string& name, std::size_t depth) {
        ++m_directives;                    // each costs a look at the disk, whatever it finds
        const Path path = m_folder / name; // an absolute name stays as it is
        if (name.find_first_of("*?[") == std::string::npos) {
            read_file(path, depth + 1);
            return;
        }
        const Result<std::vector<Path>> files = m_source.matching(path);
        m_tree.whole = m_tree.whole && files.ok();
        for (const Path& file : files.value_or({})) {
            read_file(file, depth + 1);
        }
    }

    NginxSource& m_source;
    Path m_folder;
    NginxTree m_tree;
    std::vector<NginxDirective> m_open; // from the outermost
    std::size_t m_files = 0, m_text = 0, m_directives = 0;
};

// ── paths ──────────────────────────────────────────────────────────────────────────────────────────────────

bool has_wildcard(const Path& part) {
    return part.native().find_first_of("*?[") != std::string::npos;
}

bool name_matches(const Path& pattern, const std::string& name) {
    const bool hidden = name.starts_with('.') && !pattern.native().starts_with('.');
    return !hidden && wildcard_match(pattern.native(), name);
}

// Not looked at, and so nobody knows; what is not there, or no folder, matches nothing.
bool was_refused(const Error& error) {
    return error.kind == ErrorKind::timeout || error.kind == ErrorKind::too_large ||
           error.kind == ErrorKind::busy;
}

bool path_matches(const Path& pattern, const Path& path) {
    const auto [part, name] =
        std::mismatch(pattern.begin(), pattern.end(), path.begin(), path.end(),
                      [](const Path& one, const Path& other) { return name_matches(one, other.native()); });
    return part == pattern.end() && name == path.end();
}

} // namespace

Result<std::string> NginxFiles::read(const Path& path) {
    return m_files.read(path, k_largest_file);
}

Result<std::vector<Path>> NginxFiles::matching(const Path& pattern) {
    std::vector<Path> found{Path()};
    for (const Path& part : pattern) {
        std::vector<Path> next;
        for (const Path& folder : found) {
            if (!has_wildcard(part)) {
                next.push_back(folder / part);
                continue;
            }
            const Result<std::vector<std::string>> names = m_files.list(folder);
            if (!names && was_refused(names.error())) {
                return names.error();
            }
            for (const std::string& name : names.value_or({})) {
                if (name_matches(part, name) && next.size() < k_most_files) {
                    next.push_back(folder / name);
                }
            }
        }
        found = std::move(next);
    }
    // The wildcard may have been a folder's: "sites/*/nginx.conf".
    std::vector<Path> there;
    for (Path& path : found) {
        const Result<FileInfo> info = m_files.info(path);
        if (!info && was_refused(info.error())) {
            return info.error();
        }
        if (info) {
            there.push_back(std::move(path));
        }
    }
    return there;
}

NginxDump::NginxDump(std::string_view output) {
    constexpr std::string_view k_header = "# configuration file ";
    std::string* file = nullptr;
    for (std::size_t at = 0; at < output.size();) {
        const std::size_t end = std::min(output.find('\n', at), output.size() - 1) + 1;
        const std::string_view line = trim(output.substr(at, end - at));
        if (line.starts_with(k_header) && line.ends_with(':')) {
            const Path path(line.substr(k_header.size(), line.size() - k_header.size() - 1));
            m_main = m_main.empty() ? path : m_main;
            const auto [entry, fresh] = m_files.try_emplace(path);
            file = fresh ? &entry->second
                         : nullptr; // nginx prints each once: another is a comment that looks so
        } else if (file != nullptr) {
            file->append(output.substr(at, end - at));
        }
        at = end;
    }
}

Result<std::string> NginxDump::read(const Path& path) {
    const auto found = m_files.find(path);
    return found == m_files.end()
               ? Result<std::string>(
                     Error{ErrorKind::not_found, "not in the output of nginx -T: " + path.string()})
               : found->second;
}

Result<std::vector<Path>> NginxDump::matching(const Path& pattern) {
    std::vector<Path> found;
    for (const auto& [path, text] : m_files) {
        if (path_matches(pattern, path)) {
            found.push_back(path);
        }
    }
    return found;
}

NginxTree parse_nginx(NginxSource& source, const Path& main) {
    return Parser(source, main).parse(main);
}

} // namespace lectio

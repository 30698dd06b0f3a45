#include "config/env_file.h"

#include "util/secret.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace lectio {
namespace {

constexpr Phrase k_no_assignment{"not an assignment, left out", "не присваивание, строка пропущена"};
constexpr Phrase k_not_run{"{}: commands are not run and a quote must end, left out",
                           "{}: команды не выполняются, а кавычка должна закрываться; значение пропущено"};
constexpr Phrase k_malformed{"malformed reference; write ${{NAME}} or ${{NAME:-default}}",
                             "неверная ссылка на переменную; пишется ${{NAME}} или ${{NAME:-default}}"};
constexpr Phrase k_not_text{"{}: not a text, left out", "{}: не текст, значение пропущено"};
constexpr Phrase k_grows_too_long{"what it refers to makes it longer than {}",
                                  "с подставленными переменными получается длиннее {}"};
constexpr Phrase k_too_long{"{}: longer than {}, left out", "{}: длиннее {}, значение пропущено"};

// A variable that is made of others, and these of others, doubles with each line.
constexpr Bytes k_longest_value = 64_kB;
constexpr std::size_t k_longest_reference = 4096; // its default included

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9');
}

std::string_view name_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && (end == at ? is_name_start(text[end]) : is_name_part(text[end]))) {
        ++end;
    }
    return text.substr(at, end - at);
}

// One "${…}", taken apart.
struct Reference {
    std::string_view name;
    std::optional<std::string_view> fallback; // the text after ":-"
    std::size_t end = 0;                      // one past the closing brace
};

// The reference that begins at `at` with "${"; nothing when it is malformed.
std::optional<Reference> reference_at(std::string_view text, std::size_t at) {
    text = text.substr(0, at + k_longest_reference);
    Reference reference;
    reference.name = name_at(text, at + 2);
    std::size_t next = at + 2 + reference.name.size();
    if (reference.name.empty() || next >= text.size()) {
        return std::nullopt;
    }
    if (text[next] == '}') {
        reference.end = next + 1;
        return reference;
    }
    if (text.substr(next, 2) != ":-") {
        return std::nullopt;
    }
    const std::size_t begin = next + 2;
    int depth = 1;
    for (std::size_t i = begin; i < text.size(); ++i) {
        if (text.substr(i, 2) == "${") {
            ++depth;
            ++i;
        } else if (text[i] == '}' && --depth == 0) {
            reference.fallback = text.substr(begin, i - begin);
            reference.end = i + 1;
            return reference;
        }
    }
    return std::nullopt;
}

struct Expanded {
    std::string text;
    std::string unset;             // the first name that is set nowhere
    std::vector<std::string> used; // the names whose values are in the text
    bool malformed = false;
    bool too_long = false;
};

constexpr int k_deepest_default = 1;

Expanded expand(std::string_view text, const VariableLookup& lookup, int depth = 0) {
    Expanded out;
    for (std::size_t i = 0; i < text.size();) {
        if (text.substr(i, 2) != "${") {
            out.text += text[i++];
            continue;
        }
        const std::optional<Reference> reference = reference_at(text, i);
        out.malformed = !reference || depth > k_deepest_default;
        out.too_long = out.text.size() > k_longest_value.count;
        if (out.malformed || out.too_long) {
            return out;
        }
        i = reference->end;
        const std::string name(reference->name);
        std::optional<std::string> value = lookup(name);
        if (value && holds_secret(name, *value)) {
            remember_secret(*value);
        }
        if (reference->fallback && (!value || value->empty())) {
            Expanded fallback = expand(*reference->fallback, lookup, depth + 1);
            out.malformed = fallback.malformed;
            out.too_long = fallback.too_long;
            if (out.malformed || out.too_long) {
                return out;
            }
            out.unset = out.unset.empty() ? fallback.unset : out.unset;
            out.used.insert(out.used.end(), fallback.used.begin(), fallback.used.end());
            value = std::move(fallback.text);
        } else if (value) {
            out.used.push_back(name);
        }
        if (value) {
            out.text += *value;
        } else if (out.unset.empty()) {
            out.unset = name;
        }
    }
    return out;
}

// The shell's grammar of assignments, as far as a file of settings uses it.
class ShellReader {
  public:
    ShellReader(std::string_view text, const VariableLookup& environment)
        : m_text(text), m_environment(environment) {}

    EnvFile read() {
        while (skip_to_statement()) {
            read_statement();
        }
        return std::move(m_file);
    }

  private:
    [[nodiscard]] bool at_end() const { return m_at >= m_text.size(); }
    [[nodiscard]] char here() const { return m_text[m_at]; }
    [[nodiscard]] bool starts(std::string_view what) const { return m_text.substr(m_at).starts_with(what); }

    void advance() {
        if (here() == '\n') {
            ++m_line;
        }
        ++m_at;
    }
    void skip_blanks() {
        while (!at_end() && (here() == ' ' || here() == '\t' || here() == '\r')) {
            advance();
        }
    }
    void skip_line() {
        while (!at_end() && here() != '\n') {
            advance();
        }
    }
    bool skip_to_statement() {
        for (;;) {
            skip_blanks();
            if (at_end()) {
                return false;
            }
            if (here() == '#') {
                skip_line();
            } else if (here() == '\n' || here() == ';') {
                advance();
            } else {
                return true;
            }
        }
    }

    void read_statement() {
        m_statement_line = m_line;
        std::string_view name = name_at(m_text, m_at);
        m_at += name.size();
        skip_blanks();
        if (name == "export" && !at_end() && is_name_start(here())) {
            name = name_at(m_text, m_at);
            m_at += name.size();
            skip_blanks();
            if (at_end() || here() == '\n' || here() == ';' || here() == '#') {
                return; // exports what was set before
            }
        }
        if (name.empty() || at_end() || here() != '=') {
            remark(say(k_no_assignment));
            skip_line();
            return;
        }
        advance();
        assign(std::string(name));
    }

    void assign(const std::string& name) {
        m_value.clear();
        m_refused = false;
        bool begun = false;
        std::string blanks; // between words: kept only when another word follows
        while (!at_end() && here() != '\n' && here() != ';') {
            if (here() == ' ' || here() == '\t' || here() == '\r') {
                blanks += here();
                advance();
                if (!at_end() && here() == '#') {
                    skip_line();
                }
                continue;
            }
            m_value += begun ? blanks : "";
            blanks.clear();
            begun = true;
            read_piece();
        }
        if (m_refused) {
            remark(say(k_not_run, name));
            return;
        }
        if (m_value.size() > k_longest_value.count) {
            remark(say(k_too_long, name, format_size(k_longest_value)));
            return;
        }
        if (m_value.find('\0') != std::string::npos || !is_utf8(m_value)) {
            remark(say(k_not_text, name));
            return;
        }
        if (holds_secret(name, m_value)) {
            remember_secret(m_value);
        }
        m_file.values[name] = m_value;
    }

    void read_piece() {
        switch (here()) {
        case '\'':
            read_single_quoted();
            return;
        case '"':
            read_double_quoted();
            return;
        case '\\':
            advance();
            if (!at_end() && here() != '\n') {
                m_value += here();
            }
            if (!at_end()) {
                advance();
            }
            return;
        default:
            read_plain();
        }
    }

    void read_single_quoted() {
        advance();
        while (!at_end() && here() != '\'') {
            m_value += here();
            advance();
        }
        close_quote();
    }

    void read_double_quoted() {
        advance();
        while (!at_end() && here() != '"') {
            if (here() == '\\' && m_at + 1 < m_text.size() &&
                std::string_view("\"\\$`\n").find(m_text[m_at + 1]) != std::string_view::npos) {
                advance();
                if (here() != '\n') {
                    m_value += here();
                }
                advance();
            } else {
                read_plain();
            }
        }
        close_quote();
    }

    void close_quote() {
        if (at_end()) {
            m_refused = true;
        } else {
            advance();
        }
    }

    // A character that is not quoting: itself, or the beginning of a reference or a command.
    void read_plain() {
        if (here() == '`' || starts("$(")) {
            m_refused = true;
        }
        if (here() == '$') {
            if (starts("${")) {
                if (const std::optional<Reference> reference = reference_at(m_text, m_at)) {
                    add(expand(m_text.substr(m_at, reference->end - m_at), lookup()).text);
                    while (m_at < reference->end) {
                        advance();
                    }
                    return;
                }
            } else if (const std::string_view name = name_at(m_text, m_at + 1); !name.empty()) {
                add(lookup()(std::string(name)).value_or(""));
                m_at += 1 + name.size();
                return;
            }
        }
        m_value += here();
        advance();
    }

    // What is too long already is left out in the end: it need not grow.
    void add(const std::string& value) { m_value += m_value.size() > k_longest_value.count ? "" : value; }

    [[nodiscard]] VariableLookup lookup() const {
        return [this](const std::string& name) -> std::optional<std::string> {
            const auto found = m_file.values.find(name);
            return found != m_file.values.end() ? found->second : m_environment(name);
        };
    }

    void remark(Text message) { m_file.remarks.push_back({m_statement_line, std::move(message)}); }

    std::string_view m_text;
    const VariableLookup& m_environment;
    EnvFile m_file;
    std::size_t m_at = 0;
    std::uint32_t m_line = 1, m_statement_line = 1;
    std::string m_value;
    bool m_refused = false;
};

// ── what is a secret ───────────────────────────────────────────────────────────────────────────────────────

// Shorter ones are words such as "prod" and "true", which would eat the messages.
constexpr std::size_t k_shortest_guess = 6;
// Letters and digits in a row: shorter ones are words, longer ones keys (a UUID without its hyphens, base64).
constexpr std::size_t k_key_length = 16;

// Whether one of `words` stands between underscores in `name`.
template<std::size_t Count>
bool has_word(std::string_view name, const std::array<std::string_view, Count>& words) {
    std::size_t begin = 0;
    while (begin <= name.size()) {
        const std::size_t end = std::min(name.find('_', begin), name.size());
        const std::string word = to_lower_ascii(name.substr(begin, end - begin));
        if (std::find(words.begin(), words.end(), word) != words.end()) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

bool sounds_harmless(std::string_view name) {
    constexpr std::array k_words = std::to_array<std::string_view>(
        {"host",     "hostname", "port",    "email",    "mail",     "user",    "username", "login",
         "name",     "path",     "dir",     "dirs",     "folder",   "root",    "home",     "file",
         "files",    "log",      "logs",    "level",    "id",       "ids",     "chat",     "domain",
         "site",     "server",   "service", "services", "unit",     "units",   "build",    "backup",
         "env",      "mode",     "debug",   "lang",     "language", "locale",  "tz",       "timezone",
         "zone",     "region",   "module",  "app",      "db",       "engine",  "group",    "project",
         "version",  "release",  "branch",  "settings", "addr",     "ip",      "hosts",    "bucket",
         "schedule", "queue",    "queues",  "shell",    "command",  "address", "title",    "environment"});
    return has_word(name, k_words);
}

bool looks_like_key(std::string_view text) {
    std::size_t run = 0;
    for (const char c : text) {
        run = std::isalnum(static_cast<unsigned char>(c)) != 0 ? run + 1 : 0;
        if (run >= k_key_length) {
            return true;
        }
    }
    return false;
}

// `rest`: after "://". A path may hold the key of a web hook.
bool has_key_in_url(std::string_view rest) {
    const std::size_t path = rest.find_first_of("/?#");
    const bool has_user = rest.substr(0, path).find('@') != std::string_view::npos;
    const std::string_view tail = path == std::string_view::npos ? std::string_view() : rest.substr(path);
    return has_user || tail.find('?') != std::string_view::npos || looks_like_key(tail);
}

// "300" "-100.5" "512MB" "10 s" "15%": digits first, and few letters.
bool is_number(std::string_view value) {
    value.remove_prefix(value.starts_with('-') ? 1 : 0);
    const std::size_t digits = std::min(value.find_first_not_of("0123456789.,:"), value.size());
    const std::string_view unit = trim(value.substr(digits));
    return digits > 0 && (digits == value.size() || digits + 3 >= value.size()) && unit.size() <= 2;
}

// Of base64 a 64th begins with a slash, too: those have longer parts, or other characters.
bool is_path(std::string_view value) {
    const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("/._-").find(c) != std::string_view::npos;
    });
    return value.starts_with('/') && plain && !looks_like_key(value);
}

void expand_node(Node& node, const VariableLookup& lookup, Problems& problems) {
    if (const auto* text = node.get<std::string>(); text != nullptr && text->find("${") != text->npos) {
        Expanded expanded = expand(*text, lookup);
        if (expanded.malformed || expanded.too_long) {
            problems.error(node.position(), expanded.malformed
                                                ? say(k_malformed)
                                                : say(k_grows_too_long, format_size(k_longest_value)));
            // Nobody is to judge what it might have stood for: as if not set, under a name that no variable has.
            std::string as_written = *text;
            node.set_expanded("", std::move(as_written));
            return;
        }
        node.set_expanded(std::move(expanded.text), std::move(expanded.unset));
    } else if (auto* items = std::get_if<Node::Array>(&node.value())) {
        for (Node& item : *items) {
            expand_node(item, lookup, problems);
        }
    } else if (auto* members = std::get_if<Node::Table>(&node.value())) {
        for (Member& member : *members) {
            expand_node(member.value.front(), lookup, problems);
        }
    }
}

} // namespace

EnvFile parse_env_file(std::string_view text, const VariableLookup& environment) {
    constexpr std::string_view k_mark = "\xEF\xBB\xBF";
    if (text.starts_with(k_mark)) {
        text.remove_prefix(k_mark.size());
    }
    return ShellReader(text, environment).read();
}

bool sounds_secret(std::string_view name) {
    constexpr std::array<std::string_view, 11> k_parts{"TOKEN",   "PASS",          "SECRET",      "KEY",
                                                       "DSN",     "CRED",          "AUTH",        "PRIVATE",
                                                       "WEBHOOK", "HEARTBEAT_URL", "DATABASE_URL"};
    constexpr std::array<std::string_view, 10> k_words{"pwd",  "pw",   "pin", "otp",    "jwt",
                                                       "salt", "seed", "sid", "cookie", "session"};
    if (name == "PWD" || name == "OLDPWD") { // the shell's own: a folder
        return false;
    }
    return has_word(name, k_words) || std::any_of(k_parts.begin(), k_parts.end(), [&](std::string_view part) {
               return contains_ignoring_case(name, part);
           });
}

bool holds_secret(std::string_view name, std::string_view value) {
    if (sounds_secret(name)) {
        return true;
    }
    const std::size_t scheme = value.find("://");
    if (scheme != std::string_view::npos) {
        return has_key_in_url(value.substr(scheme + 3));
    }
    return value.size() >= k_shortest_guess && !sounds_harmless(name) && !is_number(value) && !is_path(value);
}

std::vector<std::string> variables_in(std::string_view text, const VariableLookup& lookup) {
    return expand(text, lookup).used;
}

void expand_references(Node& root, const VariableLookup& lookup, Problems& problems) {
    expand_node(root, lookup, problems);
}

} // namespace lectio

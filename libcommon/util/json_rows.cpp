#include "util/json_rows.h"

#include <charconv>
#include <optional>

namespace lectio {
namespace {

class Scan {
  public:
    explicit Scan(JsonRows& rows) : m_rows(rows), m_text(rows.text) {}

    // Where the object ends; nothing: it is not written as it should be.
    std::optional<std::size_t> object() {
        m_rows.others = "{";
        bool more = eat('{') && !eat('}');
        if (m_at == 0) {
            return std::nullopt;
        }
        std::string_view before;
        for (bool first = true; more; first = false) {
            const std::optional<std::string_view> name = word();
            if (!name || (!first && *name <= before) || !eat(':') || !(row(*name) || other(*name))) {
                return std::nullopt;
            }
            before = *name;
            more = eat(',');
            if (!more && !eat('}')) {
                return std::nullopt;
            }
        }
        m_rows.others += '}';
        return m_at;
    }

  private:
    bool eat(char c) {
        const bool is_there = m_at < m_text.size() && m_text[m_at] == c;
        m_at += is_there ? 1 : 0;
        return is_there;
    }

    std::optional<std::string_view> word() {
        if (!eat('"')) {
            return std::nullopt;
        }
        const std::size_t begin = m_at;
        while (m_at < m_text.size() && m_text[m_at] != '"') {
            const char c = m_text[m_at];
            if (c < ' ' || c >= '\x7F' || c == '\\') {
                return std::nullopt;
            }
            ++m_at;
        }
        return eat('"') ? std::optional(m_text.substr(begin, m_at - 1 - begin)) : std::nullopt;
    }

    bool number(std::uint64_t& number) {
        const char* const begin = m_text.data() + m_at;
        const auto [end, error] = std::from_chars(begin, m_text.data() + m_text.size(), number);
        const bool padded = end - begin > 1 && *begin == '0'; // is no JSON (RFC 8259, 6)
        m_at += static_cast<std::size_t>(end - begin);
        return error == std::errc{} && !padded;
    }

    // Else nothing is read.
    bool row(std::string_view name) {
        const std::size_t at = m_at;
        const std::size_t members = m_rows.members.size();
        if (row_members()) {
            m_rows.rows.push_back({name, members, m_rows.members.size() - members});
            return true;
        }
        m_at = at;
        m_rows.members.resize(members);
        return false;
    }

    bool row_members() {
        bool more = eat('{') && !eat('}');
        if (!more) {
            return false;
        }
        for (std::string_view before; more; more = eat(',')) {
            JsonRows::Member member;
            const std::optional<std::string_view> key = word();
            if (!key || *key <= before || !eat(':')) {
                return false;
            }
            before = member.key = *key;
            if (const std::optional<std::string_view> its_word = word()) {
                member.word = *its_word;
            } else if (number(member.number)) {
                member.is_number = true;
            } else {
                return false;
            }
            m_rows.members.push_back(member);
        }
        return eat('}');
    }

    // What else there is: an object as long as its brackets say. Who parses it finds what is wrong in it.
    bool other(std::string_view name) {
        const std::size_t begin = m_at;
        int depth = 0;
        bool in_string = false;
        while (m_at < m_text.size()) {
            const char c = m_text[m_at++];
            if (in_string) {
                m_at += c == '\\' ? 1 : 0;
                in_string = c != '"';
            } else if (c == '"') {
                in_string = true;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if ((c == '}' || c == ']') && --depth <= 0) {
                break;
            } else if (depth == 0) {
                return false; // no object
            }
        }
        if (m_at > m_text.size() || depth != 0 || in_string) {
            return false;
        }
        m_rows.others += m_rows.others.size() > 1 ? ",\"" : "\"";
        m_rows.others += name;
        m_rows.others += "\":";
        m_rows.others += m_text.substr(begin, m_at - begin);
        return true;
    }

    JsonRows& m_rows;
    std::string_view m_text;
    std::size_t m_at = 0;
};

} // namespace

std::shared_ptr<const JsonRows> json_rows(std::string_view text) {
    auto rows = std::make_shared<JsonRows>();
    rows->text = text;
    const std::optional<std::size_t> size = Scan(*rows).object();
    if (!size) {
        return nullptr;
    }
    rows->size = *size;
    return rows;
}

} // namespace lectio

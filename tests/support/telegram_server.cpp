#include "support/telegram_server.h"

#include "util/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr std::size_t k_raw_bytes = 32768;
constexpr std::size_t k_units = 4096;

constexpr std::array<std::string_view, 15> k_tags{"b",   "strong", "i",          "em",         "u",
                                                  "ins", "s",      "strike",     "del",        "code",
                                                  "pre", "a",      "tg-spoiler", "blockquote", "span"};

void append_utf8(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0U | (c >> 6U));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0U | (c >> 12U));
        out += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    } else {
        out += static_cast<char>(0xF0U | (c >> 18U));
        out += static_cast<char>(0x80U | ((c >> 12U) & 0x3FU));
        out += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
        out += static_cast<char>(0x80U | (c & 0x3FU));
    }
}

class Parser {
  public:
    explicit Parser(std::string_view raw) : m_raw(raw) {}

    ServerVerdict run() {
        while (m_at < m_raw.size() && m_refusal.empty()) {
            if (m_raw[m_at] == '<') {
                tag();
            } else if (m_raw[m_at] == '&') {
                entity();
            } else {
                m_text += m_raw[m_at++];
            }
        }
        if (m_refusal.empty() && !m_open.empty()) {
            refuse(fmt::format("can't find end tag corresponding to start tag \"{}\"", m_open.back()));
        }
        return {m_text, m_refusal};
    }

  private:
    void refuse(std::string_view why) {
        m_refusal = fmt::format("Bad Request: can't parse entities: {} at byte offset {}", why, m_at);
    }

    void tag() {
        const std::size_t end = m_raw.find('>', m_at);
        if (end == std::string_view::npos) {
            return refuse("unclosed start tag");
        }
        const std::string inside = to_lower_ascii(m_raw.substr(m_at + 1, end - m_at - 1));
        if (inside.starts_with('/')) {
            if (m_open.empty() || m_open.back() != inside.substr(1)) {
                return refuse("unexpected end tag");
            }
            m_open.pop_back();
        } else {
            const std::string name = inside.substr(0, inside.find(' '));
            if (std::find(k_tags.begin(), k_tags.end(), name) == k_tags.end()) {
                return refuse(fmt::format("unsupported start tag \"{}\"", name));
            }
            // The server lets some of these pass without effect; for us marking up within code is a mistake.
            if (!m_open.empty() && (m_open.back() == "code" || m_open.back() == "pre")) {
                return refuse("an entity within code");
            }
            m_open.push_back(name);
        }
        m_at = end + 1;
    }

    void entity() {
        constexpr std::array<std::pair<std::string_view, char>, 4> k_named{
            {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}}};
        for (const auto& [name, c] : k_named) {
            if (m_raw.substr(m_at).starts_with(name)) {
                m_text += c;
                m_at += name.size();
                return;
            }
        }
        if (!numeric_entity()) {
            m_text += '&'; // a bare one passes as typed
            ++m_at;
        }
    }

    bool numeric_entity() {
        if (!m_raw.substr(m_at).starts_with("&#")) {
            return false;
        }
        std::size_t at = m_at + 2;
        const bool hexadecimal = at < m_raw.size() && m_raw[at] == 'x';
        at += hexadecimal ? 1 : 0;
        std::uint32_t value = 0;
        const std::size_t first = at;
        while (at < m_raw.size() && std::isxdigit(static_cast<unsigned char>(m_raw[at])) != 0 &&
               at - first < 8) {
            const char c = m_raw[at++];
            value = value * (hexadecimal ? 16 : 10) +
                    static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        if (at == first || at >= m_raw.size() || m_raw[at] != ';' || value == 0 || value > 0x10FFFF) {
            return false;
        }
        append_utf8(m_text, value);
        m_at = at + 1;
        return true;
    }

    std::string_view m_raw;
    std::size_t m_at = 0;
    std::vector<std::string> m_open;
    std::string m_text;
    std::string m_refusal;
};

ServerVerdict judge_length(std::string_view raw, ServerVerdict parsed) {
    if (!is_utf8(raw)) {
        return {"", "Bad Request: strings must be encoded in UTF-8"};
    }
    if (!parsed.refusal.empty()) {
        return parsed;
    }
    parsed.text = std::string(trim(parsed.text));
    if (parsed.text.empty()) {
        parsed.refusal = "Bad Request: message text is empty";
    } else if (utf16_length(parsed.text) > k_units || raw.size() > k_raw_bytes) {
        parsed.refusal = "Bad Request: message is too long";
    }
    return parsed;
}

} // namespace

ServerVerdict accept_html(std::string_view raw) {
    return judge_length(raw, Parser(raw).run());
}

ServerVerdict accept_plain(std::string_view raw) {
    return judge_length(raw, {std::string(raw), ""});
}

} // namespace lectio

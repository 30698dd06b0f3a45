#include "util/secret.h"

#include "util/guessed.h"
#include "util/percent.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

constexpr std::string_view k_mask = "***";
// Shorter texts are no secrets worth the name, and masking "on" everywhere would make messages unreadable.
constexpr std::size_t k_shortest_secret = 4;

// As it stands in a form (url.spec.whatwg.org/#urlencoded-serializing).
std::string form_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == ' ' ? "+" : c == '*' ? "*" : c == '~' ? "%7E" : percent_encoded(std::string_view(&c, 1));
    }
    return out;
}

// As it stands in JSON (RFC 8259, 7), without the quotes around it.
enum class Beyond { as_it_is, as_escapes };
std::string in_json(const std::string& text, Beyond beyond) {
    using Json = nlohmann::json;
    const std::string quoted =
        Json(text).dump(-1, ' ', beyond == Beyond::as_escapes, Json::error_handler_t::replace);
    return quoted.substr(1, quoted.size() - 2);
}

// Of one text the pieces that are masked, as they come: put in at once at the end, because an answer of megabytes may
// hold a secret in every line.
class Masking {
  public:
    explicit Masking(std::string& text) : m_text(text) {}
    Masking(const Masking&) = delete;
    Masking& operator=(const Masking&) = delete;
    ~Masking() {
        if (m_done > 0) {
            m_masked.append(m_text, m_done);
            m_text = std::move(m_masked);
        }
    }

    // From left to right.
    void mask(std::size_t from, std::size_t end) {
        m_masked.append(m_text, m_done, std::max(from, m_done) - m_done);
        m_masked += k_mask;
        m_done = end;
    }
    // Up to here the text is done with.
    [[nodiscard]] std::size_t done() const { return m_done; }

  private:
    std::string& m_text;
    std::string m_masked;
    std::size_t m_done = 0;
};

// Threads of checks make error texts while others run: the list is guarded.
class Registry {
  public:
    void add(std::string_view text) {
        if (text.size() < k_shortest_secret) {
            return;
        }
        const std::scoped_lock lock(m_mutex);
        for (std::string form :
             {std::string(text), percent_encoded(text), form_encoded(text),
              in_json(std::string(text), Beyond::as_it_is), in_json(std::string(text), Beyond::as_escapes)}) {
            m_secrets.insert(std::move(form));
        }
    }
    std::string mask(std::string text) {
        const std::scoped_lock lock(m_mutex);
        for (const std::string& secret : m_secrets) {
            const bool is_word = is_ordinary_word(secret);
            Masking masking(text);
            for (std::size_t at = text.find(secret); at != std::string::npos;
                 at = text.find(secret, std::max(at + 1, masking.done()))) {
                if (!is_word || is_value(text, at, secret.size())) {
                    masking.mask(at, at + secret.size());
                }
            }
        }
        return text;
    }

  private:
    // Whether it stands where values do. A word that is somebody's password is a word everywhere else: without it
    // “login-teacher” and “/admin/” could not be read.
    static bool is_value(std::string_view text, std::size_t at, std::size_t size) {
        const std::size_t end = at + size;
        const bool begins = at == 0 || std::string_view("\"'=").find(text[at - 1]) != std::string_view::npos;
        const bool ends =
            end == text.size() || std::string_view("\"'&; \r\n").find(text[end]) != std::string_view::npos;
        return begins && ends;
    }

    // A secret that contains another is masked whole.
    struct LongestFirst {
        bool operator()(const std::string& one, const std::string& other) const {
            return one.size() != other.size() ? one.size() > other.size() : one < other;
        }
    };

    std::mutex m_mutex;
    std::set<std::string, LongestFirst> m_secrets;
};

Registry& registry() {
    static Registry the_registry;
    return the_registry;
}

// scheme://user:password@host → scheme://***@host
void mask_user_info(std::string& text) {
    Masking masking(text);
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const std::size_t start = at + 3;
        const std::size_t end = text.find_first_of("/?# \t\n\"'<>", start);
        const std::size_t last_at = std::string_view(text).substr(start, end - start).rfind('@');
        if (last_at != std::string::npos) {
            masking.mask(start, start + last_at);
        }
    }
}

// …/bot123456:AAE…/sendMessage → …/bot***/sendMessage, for tokens that were never registered.
void mask_bot_tokens(std::string& text) {
    Masking masking(text);
    for (std::size_t at = text.find("/bot"); at != std::string::npos; at = text.find("/bot", at + 4)) {
        std::size_t end = at + 4;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) {
            ++end;
        }
        if (end == at + 4 || end >= text.size() || text[end] != ':') {
            continue;
        }
        masking.mask(at + 4, std::min(text.find_first_of("/? \t\n\"'<>", end), text.size()));
    }
}

// Of a parameter in a URL's query, by the end of its name: access_token, X-Api-Key, X-Amz-Signature.
bool names_secret(std::string_view name) {
    constexpr std::array<std::string_view, 18> k_ends{
        "token",       "key",       "password",      "passwd",    "pwd",        "pass",
        "secret",      "signature", "sig",           "auth",      "apikey",     "credential",
        "credentials", "jwt",       "authorization", "sessionid", "session_id", "sessid"};
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(k_ends.begin(), k_ends.end(),
                       [&](std::string_view end) { return lower.ends_with(end); });
}

// …?page=2&token=abc → …?page=2&token=***, in a whole URL and in what a log line shows of one.
void mask_query(std::string& text) {
    constexpr std::string_view k_around = "?&;=# \t\r\n\"'<>";
    Masking masking(text);
    for (std::size_t at = text.find_first_of("?&"); at != std::string::npos;
         at = text.find_first_of("?&", std::max(at + 1, masking.done()))) {
        const std::size_t equals = text.find_first_of(k_around, at + 1);
        if (equals == std::string::npos || text[equals] != '=' ||
            !names_secret(std::string_view(text).substr(at + 1, equals - at - 1))) {
            continue;
        }
        const std::size_t stop = std::min(text.find_first_of("&# \t\r\n\"'<>", equals), text.size());
        if (stop > equals + 1) {
            masking.mask(equals + 1, stop);
        }
    }
}

bool is_of_token(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}

// Before the colon or equals sign at `end`: `password`, "password"; where the name begins and what it is.
std::string_view name_before(std::string_view text, std::size_t end) {
    const auto skip = [&](auto is_such) {
        while (end > 0 && is_such(text[end - 1])) {
            --end;
        }
        return end;
    };
    skip([](char c) { return c == ' '; });
    if (end > 0 && (text[end - 1] == '"' || text[end - 1] == '\'')) {
        --end;
    }
    const std::size_t last = end;
    const std::size_t first = skip(is_of_token);
    return text.substr(first, last - first);
}

// password = "abc", 'token': 'abc', "api_key": "abc" of a configuration, a JSON answer or a program's log. What only
// refers to a variable is no secret; a bare `key` names whatever one likes.
void mask_quoted(std::string& text) {
    Masking masking(text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != ':' && text[at] != '=') {
            continue;
        }
        const std::size_t quote = text.find_first_not_of(' ', at + 1);
        if (quote == std::string::npos || (text[quote] != '"' && text[quote] != '\'')) {
            continue;
        }
        const std::size_t stop = text.find(text[quote], quote + 1);
        const std::string_view name =
            name_before(std::string_view(text).substr(masking.done()), at - masking.done());
        const bool refers = std::string_view(text).substr(quote + 1).starts_with("${");
        const bool is_bare = name == "key" || name == "auth" || name == "sig";
        if (stop == std::string::npos || stop == quote + 1 || refers || is_bare || !names_secret(name)) {
            continue;
        }
        masking.mask(quote + 1, stop);
        at = stop;
    }
}

// SECRET_KEY=abcd of an environment, a command line or a log, sessionid=abcd of a cookie. What refers to a variable,
// and what is left out, is no secret; a bare `key` names whatever one likes.
void mask_assigned(std::string& text) {
    Masking masking(text);
    for (std::size_t at = text.find('='); at != std::string::npos;
         at = text.find('=', std::max(at + 1, masking.done()))) {
        const std::string_view all = text;
        const std::size_t stop = std::min(all.find_first_of(" \t\r\n\"'&;<>", at + 1), all.size());
        const std::string_view value = all.substr(at + 1, stop - at - 1);
        const bool touches = at > 0 && is_of_token(all[at - 1]);
        const std::string_view name = touches ? name_before(all, at) : std::string_view();
        const bool is_bare = name == "key" || name == "auth" || name == "sig";
        if (value.size() < k_shortest_secret || value.starts_with("$") || value.starts_with("…") ||
            value.starts_with(k_mask) || is_bare || !names_secret(name)) {
            continue;
        }
        masking.mask(at + 1, stop);
    }
}

// Authorization: SCHEME WHAT-IT-IS, to the end of the line or of the quotes it stands in (RFC 9110, 11.6.2).
void mask_authorization(std::string& text) {
    constexpr std::string_view k_name = "authorization";
    Masking masking(text);
    for (std::size_t colon = text.find(':'); colon != std::string::npos;
         colon = text.find(':', std::max(colon + 1, masking.done()))) {
        const bool is_it =
            colon >= k_name.size() &&
            std::equal(k_name.begin(), k_name.end(),
                       text.begin() + static_cast<std::ptrdiff_t>(colon - k_name.size()),
                       [](char wanted, char c) {
                           return wanted == static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
                       });
        if (!is_it) {
            continue;
        }
        const std::size_t start = text.find_first_not_of(' ', colon + 1);
        const std::size_t stop = std::min(text.find_first_of("\r\n\"'", colon), text.size());
        if (start < stop) {
            masking.mask(start, stop);
        }
    }
}

// Cookie: NAME=VALUE; … — each value: of a session nobody knows how its cookie is called.
void mask_cookies(std::string& text) {
    constexpr std::string_view k_ends = "; \t\r\n\"'";
    for (const std::string_view header : {"ookie: ", "OOKIE: "}) {
        Masking masking(text);
        for (std::size_t at = text.find(header); at != std::string::npos;
             at = text.find(header, std::max(at + 1, masking.done()))) {
            for (std::size_t name = at + header.size(); name < text.size();) {
                const std::size_t equals = text.find_first_of("=; \t\r\n\"'", name);
                if (equals == std::string::npos || equals == name || text[equals] != '=') {
                    break;
                }
                const std::size_t stop = std::min(text.find_first_of(k_ends, equals + 1), text.size());
                masking.mask(equals + 1, stop);
                if (!std::string_view(text).substr(stop).starts_with("; ")) {
                    break;
                }
                name = stop + 2;
            }
        }
    }
}

// eyJ… is how the Base64 of an object of JSON begins: a JWT (RFC 7519) wherever it stands, also the beginning of one.
void mask_jwts(std::string& text) {
    constexpr std::size_t k_shortest = 20;
    Masking masking(text);
    for (std::size_t at = text.find("eyJ"); at != std::string::npos;
         at = text.find("eyJ", std::max(at + 1, masking.done()))) {
        if (at > 0 && is_of_token(text[at - 1])) {
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && (is_of_token(text[end]) || text[end] == '.')) {
            ++end;
        }
        if (end - at >= k_shortest) {
            masking.mask(at, end);
        }
    }
}

// 123456789:AAE… as @BotFather gives it out: somebody has typed it where it does not belong.
void mask_bare_tokens(std::string& text) {
    constexpr std::size_t k_shortest_id = 6, k_shortest_rest = 30; // today they have 8 to 10, and 35
    Masking masking(text);
    for (std::size_t colon = text.find(':'); colon != std::string::npos;
         colon = text.find(':', std::max(colon + 1, masking.done()))) {
        std::size_t start = colon;
        while (start > masking.done() && std::isdigit(static_cast<unsigned char>(text[start - 1])) != 0) {
            --start;
        }
        std::size_t end = colon + 1;
        while (end < text.size() && is_of_token(text[end])) {
            ++end;
        }
        if (colon - start >= k_shortest_id && end - colon > k_shortest_rest) {
            masking.mask(start, end);
        }
    }
}

} // namespace

Secret::Secret(std::string text) : m_text(std::move(text)) {
    registry().add(m_text);
}

void remember_secret(std::string_view text) {
    registry().add(text);
}

std::string redact(std::string_view text) {
    if (text.empty()) { // most hints and pieces of evidence are: nothing to lock the list of secrets for
        return {};
    }
    std::string masked = registry().mask(std::string(text));
    // Most texts have neither, and most of what is looked for has one of them.
    const bool has_colon = masked.find(':') != std::string::npos;
    const bool has_equals = masked.find('=') != std::string::npos;
    if (has_colon) {
        mask_user_info(masked);
        mask_bot_tokens(masked);
    }
    if (has_equals) {
        mask_query(masked);
    }
    if (has_colon) {
        mask_authorization(masked);
        mask_cookies(masked);
    }
    if (has_colon || has_equals) {
        mask_quoted(masked);
    }
    if (has_equals) {
        mask_assigned(masked);
    }
    mask_jwts(masked);
    if (has_colon) {
        mask_bare_tokens(masked);
    }
    return masked;
}

} // namespace lectio

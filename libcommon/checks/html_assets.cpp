#include "checks/html_assets.h"

#include "util/text.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

namespace lectio {
namespace {

constexpr std::string_view k_blank = " \t\r\n\f";

struct Tag {
    std::string name;
    std::map<std::string, std::string> attributes; // the first of a name counts
};

std::string undo_entities(std::string_view text) {
    constexpr std::string_view k_ampersand = "&amp;";
    std::string out;
    for (std::size_t at = 0; (at = text.find(k_ampersand)) != std::string_view::npos;) {
        out += text.substr(0, at + 1);
        text.remove_prefix(at + k_ampersand.size());
    }
    return out.append(text);
}

class Scanner {
  public:
    explicit Scanner(std::string_view html) : m_rest(html) {}

    // Moves on to the next opening tag; false at the end.
    bool next(Tag& tag) {
        while (skip_to("<")) {
            if (m_rest.starts_with("!--")) {
                skip_behind("-->");
                continue;
            }
            if (m_rest.empty() || !is_letter(m_rest.front())) {
                continue; // a closing tag, <!doctype, or a bare '<'
            }
            tag.name = to_lower_ascii(take_until(" \t\r\n\f/>"));
            read_attributes(tag);
            return true;
        }
        return false;
    }
    // What a script holds is no HTML.
    void skip_script() {
        while (skip_to("</")) {
            if (to_lower_ascii(m_rest.substr(0, 6)) == "script") {
                return;
            }
        }
    }
    // What a <template> holds is fetched when a script takes it out, if ever.
    void skip_template() {
        for (int open = 1; open > 0 && skip_to("<");) {
            if (m_rest.starts_with("!--")) {
                skip_behind("-->");
            } else if (begins("/template")) {
                --open;
            } else if (begins("template")) {
                ++open;
            } else if (begins("script")) {
                skip_script();
            }
        }
    }

  private:
    [[nodiscard]] bool begins(std::string_view name) const {
        const std::size_t end = name.size();
        return to_lower_ascii(m_rest.substr(0, end)) == name &&
               (m_rest.size() == end ||
                std::string_view(" \t\r\n\f/>").find(m_rest[end]) != std::string_view::npos);
    }
    static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

    // Behind the text; false, and at the end, where there is none.
    bool skip_to(std::string_view text) {
        const std::size_t at = m_rest.find(text);
        m_rest.remove_prefix(at == std::string_view::npos ? m_rest.size() : at + text.size());
        return at != std::string_view::npos;
    }
    void skip_behind(std::string_view text) { (void)skip_to(text); }
    std::string_view take_until(std::string_view ends) {
        const std::string_view taken = m_rest.substr(0, m_rest.find_first_of(ends));
        m_rest.remove_prefix(taken.size());
        return taken;
    }
    void skip_all_of(std::string_view characters) {
        m_rest.remove_prefix(std::min(m_rest.find_first_not_of(characters), m_rest.size()));
    }

    void read_attributes(Tag& tag) {
        tag.attributes.clear();
        for (;;) {
            skip_all_of(" \t\r\n\f/");
            if (m_rest.empty() || m_rest.front() == '>') {
                return;
            }
            const std::string name = to_lower_ascii(take_until(" \t\r\n\f/>="));
            skip_all_of(k_blank);
            std::string_view value;
            if (m_rest.starts_with('=')) {
                m_rest.remove_prefix(1);
                value = take_value();
            }
            tag.attributes.emplace(name, undo_entities(trim(value)));
        }
    }
    std::string_view take_value() {
        skip_all_of(k_blank);
        if (m_rest.starts_with('"') || m_rest.starts_with('\'')) {
            const char quote = m_rest.front();
            m_rest.remove_prefix(1);
            const std::string_view value = take_until({&quote, 1});
            m_rest.remove_prefix(std::min<std::size_t>(1, m_rest.size()));
            return value;
        }
        return take_until(" \t\r\n\f>");
    }

    std::string_view m_rest;
};

bool has_word(const Tag& tag, const char* attribute, std::string_view wanted) {
    const auto text = tag.attributes.find(attribute);
    if (text == tag.attributes.end()) {
        return false;
    }
    const std::vector<std::string_view> words = split(text->second, ' ');
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return to_lower_ascii(word) == wanted; });
}

// What a <link> makes the browser fetch at once; nothing: an icon, a manifest, what may be wanted later (prefetch).
std::optional<HtmlAsset::Kind> fetched_by_link(const Tag& tag) {
    if (tag.name != "link") {
        return std::nullopt;
    }
    if (has_word(tag, "rel", "stylesheet")) {
        return HtmlAsset::Kind::style;
    }
    if (has_word(tag, "rel", "modulepreload")) {
        return HtmlAsset::Kind::script;
    }
    if (!has_word(tag, "rel", "preload")) {
        return std::nullopt;
    }
    return has_word(tag, "as", "script")  ? HtmlAsset::Kind::script
           : has_word(tag, "as", "style") ? HtmlAsset::Kind::style
                                          : HtmlAsset::Kind::other;
}

// RFC 3986, 4.2: "https:…", "data:…"
bool has_scheme(std::string_view url) {
    return url.find(':') < url.find_first_of("/?#");
}

// "https://site.example" or "//site.example", else "".
std::string_view origin_of(std::string_view url) {
    const std::size_t slashes = url.find("//");
    const bool has_host = slashes == 0 || (has_scheme(url) && slashes == url.find(':') + 1);
    return has_host ? url.substr(0, url.find_first_of("/?#", slashes + 2)) : std::string_view();
}

// What `url` means on a page with <base href="base"> (RFC 3986, 5.2). A base that is relative itself leaves it so.
std::string against(std::string_view base, std::string_view url) {
    if (base.empty() || url.starts_with("//") || has_scheme(url)) {
        return std::string(url);
    }
    const std::string origin(origin_of(base));
    const std::string_view query = url.substr(std::min(url.find_first_of("?#"), url.size()));
    const std::string_view path = url.substr(0, url.size() - query.size());
    std::string folder(base.substr(origin.size(), base.find_first_of("?#") - origin.size()));
    folder.resize(folder.rfind('/') + 1); // npos + 1: none
    folder = folder.empty() && !origin.empty() ? "/" : folder;
    const std::filesystem::path whole =
        path.starts_with('/') ? std::string(path) : folder + std::string(path);
    return origin + whole.lexically_normal().string() + std::string(query);
}

} // namespace

std::vector<HtmlAsset> html_assets(std::string_view html) {
    std::vector<HtmlAsset> assets;
    std::string base;
    const auto add = [&](HtmlAsset::Kind kind, const Tag& tag, const char* attribute) {
        const auto url = tag.attributes.find(attribute);
        if (url != tag.attributes.end() && !url->second.empty()) {
            assets.push_back({kind, against(base, url->second)});
        }
    };
    Scanner scanner(html);
    for (Tag tag; scanner.next(tag);) {
        if (tag.name == "script") {
            add(HtmlAsset::Kind::script, tag, "src");
            scanner.skip_script();
        } else if (tag.name == "base" && base.empty()) {
            base = tag.attributes["href"]; // the first that has one counts
        } else if (tag.name == "template") {
            scanner.skip_template();
        } else if (const auto kind = fetched_by_link(tag)) {
            add(*kind, tag, "href");
        }
    }
    return assets;
}

} // namespace lectio

#include "release/file_content.h"

#include "util/text.h"

#include <algorithm>
#include <array>

namespace lectio::release {
namespace {

constexpr std::size_t k_text_begins = 8000;
constexpr std::string_view k_blank = " \t\r\n\f";
constexpr std::string_view k_bom = "\xEF\xBB\xBF";

std::string extension_of(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string() : to_lower_ascii(name.substr(dot + 1));
}

// Behind a byte order mark, blanks and comments.
std::string_view beginning_of(std::string_view content) {
    if (content.starts_with(k_bom)) {
        content.remove_prefix(k_bom.size());
    }
    for (;;) {
        content.remove_prefix(std::min(content.find_first_not_of(k_blank), content.size()));
        const std::size_t end = content.starts_with("<!--") ? content.find("-->") : std::string_view::npos;
        if (end == std::string_view::npos) {
            return content;
        }
        content.remove_prefix(end + 3);
    }
}

bool starts_with_ignoring_case(std::string_view text, std::string_view beginning) {
    return to_lower_ascii(text.substr(0, beginning.size())) == beginning;
}

// As browsers compare names of elements and attributes.
std::size_t find_ignoring_case(std::string_view text, std::string_view part, std::size_t from = 0) {
    const auto same = [](char a, char b) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(a) == lower(b);
    };
    if (from > text.size()) {
        return std::string_view::npos;
    }
    const auto found = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), part.begin(),
                                   part.end(), same);
    return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

// `attributes`: what stands between <div and >.
std::string id_among(std::string_view attributes) {
    for (std::size_t at = 0; (at = find_ignoring_case(attributes, "id=", at)) != std::string_view::npos;
         ++at) {
        if (at == 0 || k_blank.find(attributes[at - 1]) == std::string_view::npos) {
            continue; // data-id=
        }
        std::string_view value = attributes.substr(at + 3);
        const bool quoted = value.starts_with('"') || value.starts_with('\'');
        const std::size_t end = quoted ? value.find(value.front(), 1) : value.find_first_of(k_blank);
        value = value.substr(0, end);
        return std::string(quoted && !value.empty() ? value.substr(1) : value);
    }
    return {};
}

} // namespace

FileKind kind_of(std::string_view path) {
    const std::string extension = extension_of(path);
    const auto is = [&](std::initializer_list<std::string_view> names) {
        return std::find(names.begin(), names.end(), extension) != names.end();
    };
    return is({"html", "htm"})           ? FileKind::page
           : is({"js", "mjs", "cjs"})    ? FileKind::script
           : is({"css"})                 ? FileKind::style
           : is({"json", "webmanifest"}) ? FileKind::json
           : is({"map"})                 ? FileKind::source_map
                                         : FileKind::other;
}

bool is_source_code(std::string_view path) {
    constexpr std::array<std::string_view, 8> k_languages{"ts",   "tsx",    "jsx",  "vue",
                                                          "sass", "svelte", "scss", "less"};
    return std::find(k_languages.begin(), k_languages.end(), extension_of(path)) != k_languages.end();
}

bool is_page(std::string_view content) {
    return is_text(content) && (find_ignoring_case(content, "<!doctype html") != std::string_view::npos ||
                                find_ignoring_case(content, "<html") != std::string_view::npos);
}

bool begins_as_page(std::string_view content) {
    const std::string_view beginning = beginning_of(content);
    return starts_with_ignoring_case(beginning, "<!doctype") ||
           starts_with_ignoring_case(beginning, "<html") || starts_with_ignoring_case(beginning, "<head") ||
           starts_with_ignoring_case(beginning, "<body");
}

bool is_text(std::string_view content) {
    return content.substr(0, k_text_begins).find('\0') == std::string_view::npos && !content.ends_with('\0');
}

std::string title_of(std::string_view page) {
    const std::size_t tag = find_ignoring_case(page, "<title");
    const std::size_t begin = tag == std::string_view::npos ? tag : page.find('>', tag);
    const std::size_t end =
        begin == std::string_view::npos ? begin : find_ignoring_case(page, "</title", begin);
    return end == std::string_view::npos ? std::string()
                                         : clean_line(page.substr(begin + 1, end - begin - 1));
}

std::string root_element_of(std::string_view page) {
    for (std::size_t at = 0; (at = find_ignoring_case(page, "<div", at)) != std::string_view::npos; ++at) {
        const std::string_view attributes = page.substr(at + 4, page.find('>', at) - at - 4);
        if (std::string id = id_among(attributes); !id.empty()) {
            return id;
        }
    }
    return {};
}

} // namespace lectio::release

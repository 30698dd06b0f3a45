#include "util/markup.h"

namespace lectio {
namespace {

std::string_view entity_of(char c, Quotes quotes) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return quotes == Quotes::escaped ? "&quot;" : "";
    case '\'':
        return quotes == Quotes::escaped ? "&#39;" : "";
    default:
        return "";
    }
}

} // namespace

std::string escape_markup(std::string_view text, Quotes quotes) {
    std::string escaped;
    escaped.reserve(text.size() + text.size() / 8);
    for (const char c : text) {
        const std::string_view entity = entity_of(c, quotes);
        entity.empty() ? escaped.push_back(c) : void(escaped.append(entity));
    }
    return escaped;
}

} // namespace lectio

#include "util/json_depth.h"

#include <algorithm>
#include <cstddef>

#include <nlohmann/json.hpp>

namespace lectio {

int json_depth(std::string_view text) {
    int depth = 0;
    int deepest = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            i += c == '\\' ? 1 : 0;
            in_string = c != '"';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            deepest = std::max(deepest, ++depth);
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return deepest;
}

nlohmann::json json_within_depth(std::string_view text) {
    using Json = nlohmann::json;
    return json_depth(text) > k_max_json_depth ? Json(Json::value_t::discarded)
                                               : Json::parse(text, nullptr, false);
}

} // namespace lectio

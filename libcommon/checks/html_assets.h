// The scripts and style sheets that an HTML page names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct HtmlAsset {
    enum class Kind { script, style };
    Kind kind = Kind::script;
    std::string url; // as written, entities undone: "/static/js/main.abc.js?v=1"
    bool operator==(const HtmlAsset&) const = default;
};

// <script src> and <link rel=stylesheet href>, in their order. Tolerant as browsers are: comments, any case, any
// quotes, unfinished tags; garbage names nothing.
std::vector<HtmlAsset> html_assets(std::string_view html);

} // namespace lectio

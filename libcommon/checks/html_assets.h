// The files that a browser fetches at once because an HTML page names them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct HtmlAsset {
    enum class Kind { script, style, other }; // other: a preloaded font, image, …
    Kind kind = Kind::script;
    std::string url; // entities undone, <base href> applied, else as written: "/static/js/main.abc.js?v=1"
    bool operator==(const HtmlAsset&) const = default;
};

// <script src>, <link rel=stylesheet|preload|modulepreload href>, in their order. Tolerant as browsers are: comments, any case, any
// quotes, unfinished tags; garbage names nothing.
std::vector<HtmlAsset> html_assets(std::string_view html);

} // namespace lectio

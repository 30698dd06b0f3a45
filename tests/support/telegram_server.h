// What the Bot API does with the text of a message, as strictly as the published server does it; the stand-in
// of the integration tests (stand_ins/bot_api.py) has the same rules.
#pragma once

#include <string>
#include <string_view>

namespace lectio {

struct ServerVerdict {
    std::string text;    // as the reader sees it, trimmed
    std::string refusal; // empty: accepted; else the description of the 400
};

// parse_mode=HTML.
ServerVerdict accept_html(std::string_view raw);
// No parse_mode.
ServerVerdict accept_plain(std::string_view raw);

} // namespace lectio

// Text in HTML and XML.
#pragma once

#include <string>
#include <string_view>

namespace lectio {

enum class Quotes { as_they_are, escaped };
// With what begins markup as entities; with the quotes, too, it may stand in a quoted attribute (HTML, 13.1.2.3).
std::string escape_markup(std::string_view text, Quotes quotes);

} // namespace lectio

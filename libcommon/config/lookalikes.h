// Cyrillic letters that look like Latin ones: "pаth" cannot be told from "path" by eye.
#pragma once

#include <string>
#include <string_view>

namespace lectio {

// With Latin letters in the place of their Cyrillic likenesses, where these stand among Latin ones; a word that
// is Cyrillic throughout, or has a letter without a likeness, is meant so and comes back as it is.
std::string as_latin(std::string_view text);

} // namespace lectio

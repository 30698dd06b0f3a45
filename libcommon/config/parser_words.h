// What toml++ says of a text that is no TOML, in the operator's language.
#pragma once

#include "words/phrase.h"

#include <string_view>

namespace lectio {

// `description` is a parser's: "Error while parsing key-value pair: expected '=', saw 'x'". The English stays; in
// the Russian, a piece that no table knows stands between « and ».
Text parser_words(std::string_view description);

} // namespace lectio

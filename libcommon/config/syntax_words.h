// What is wrong with a text that is no TOML, in the words of somebody who edits it and not of its grammar.
#pragma once

#include "words/phrase.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace lectio {

struct SyntaxWords {
    Text message;           // never holds the value of a key that sounds like a secret
    std::string suggestion; // what to write instead; empty: no idea
};

// `at` is the byte where the parser gave up, `description` what it says. The commonest mistakes of hands and
// editors are recognised; of all others the parser's words are left.
SyntaxWords syntax_words(std::string_view text, std::size_t at, std::string_view description);

} // namespace lectio

// What the system and the libraries say of a failure, in the operator's language.
#pragma once

#include "words/phrase.h"

#include <string_view>

namespace lectio {

// An Error's message (util/result.h: "unable to open /x: Permission denied"), a resolver's, libcurl's or OpenSSL's
// words: the English as they are, the Russian part by part between ": ". What no table knows (a path, a name, a
// rare reason) stays as it is in both. Does not redact or clean: what comes from outside has passed that before.
//
//     result.message = say(k_cannot_look, error_words(error.message));
Text error_words(std::string_view message);

} // namespace lectio

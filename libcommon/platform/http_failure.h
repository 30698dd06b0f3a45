// What a request that got no whole answer ran into, in words: for whoever asks over HTTP, checks and channels.
#pragma once

#include "platform/http.h"
#include "words/phrase.h"

#include <string>

namespace lectio {

// `whom` was asked: a URL without its secrets, or a name that says more to the reader. Only where
// `answer.failure` is not none.
Text http_failure_words(const HttpAnswer& answer, const std::string& whom);

} // namespace lectio

// Lengths of time behind words that ask for the accusative in Russian.
#pragma once

#include "words/phrase.h"

namespace lectio {

// As spoken(), for "через {}", "за {}", "уже {}": через 1 минуту, not "1 минута".
Text span_of(std::int64_t seconds);

} // namespace lectio

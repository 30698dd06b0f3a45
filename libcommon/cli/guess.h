// What was probably meant by a name that nobody has.
#pragma once

#include "words/phrase.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// "did you mean \"site\"?"; empty where no name is near.
Text did_you_mean(std::string_view word, const std::vector<std::string>& names);

} // namespace lectio

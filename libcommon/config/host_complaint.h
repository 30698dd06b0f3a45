// Names of hosts in other alphabets are refused with what to write instead.
#pragma once

#include "words/phrase.h"

#include <optional>
#include <string>

namespace lectio {

// Of a host, also with its port: "пример.рф", which no part of the suite could look up as it stands.
std::optional<Text> foreign_host_complaint(const std::string& host);

} // namespace lectio

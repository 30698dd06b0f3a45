// By what an incident that a script has told (`lectio-notify send --key`) is known from others.
#pragma once

#include <string_view>

namespace lectio {

constexpr std::string_view k_key_type = "event";
// Of the names of their checks; people are shown the key alone.
constexpr std::string_view k_key_prefix = "key-";

} // namespace lectio

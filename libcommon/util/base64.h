// base64 (RFC 4648, 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

std::string base64(std::string_view bytes); // padded, on one line
// Padded or not; nothing where another character stands.
std::optional<std::string> from_base64(std::string_view text);

} // namespace lectio

// Percent-encoding of what stands in a URL (RFC 3986, 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// All but the unreserved letters (RFC 3986, 2.3) as %XX.
std::string percent_encoded(std::string_view text);
// The same of a path: its slashes stay.
std::string percent_encoded_path(std::string_view path);

// Each %XX as its byte; nothing where a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);
// The same as browsers do it (WHATWG URL, "percent-decode"): a % without two digits stays as it is.
std::string percent_decoded_leniently(std::string_view text);

} // namespace lectio

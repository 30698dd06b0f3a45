// Percent-encoding of what stands in a URL (RFC 3986, 2.1).
#pragma once

#include <string>
#include <string_view>

namespace lectio {

// All but the unreserved letters (RFC 3986, 2.3) as %XX.
std::string percent_encoded(std::string_view text);

} // namespace lectio

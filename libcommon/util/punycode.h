// Names of hosts in other alphabets, as DNS has them: "пример.рф" is "xn--e1afmkfd.xn--p1ai" (RFC 3492, RFC 5890).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// Capitals become small as far as they are Latin or Russian. Nothing: no UTF-8, or too long for a label.
std::optional<std::string> in_ascii(std::string_view host);

} // namespace lectio

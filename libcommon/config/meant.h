// What a person may have meant by an amount that is written as none: "5 sec" is "5s", "256Mb" is "256MB".
#pragma once

#include "util/units.h"

#include <span>
#include <string>
#include <string_view>

namespace lectio {

// The amount as the configuration writes it, in one of `units` (empty: in any but a bare number); empty: no
// idea. A bare number is taken for seconds or per cent where nothing else is allowed. What is written well and
// yet is no amount, being too large, comes back as it is.
std::string meant_amount(std::string_view text, std::span<const Amount::Unit> units);

} // namespace lectio

// How deep JSON is nested, counted before it is parsed: what somebody else wrote must not decide how deep we
// go, because values are copied, compared and printed by recursion.
#pragma once

#include <string_view>

namespace lectio {

// Brackets that are open at the same time, at most; 0 for a bare value. Of what is no JSON any number.
int json_depth(std::string_view text);

} // namespace lectio

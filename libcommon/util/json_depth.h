// How deep JSON is nested, counted before it is parsed: what somebody else wrote must not decide how deep we
// go, because values are copied, compared and printed by recursion.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

// What a service on this host or a site may answer (CONTRACT 9).
constexpr int k_max_json_depth = 100;

// Brackets that are open at the same time, at most; 0 for a bare value. Of what is no JSON any number.
int json_depth(std::string_view text);

// Parsed, unless it is nested deeper than k_max_json_depth; that and what is no JSON is `discarded`.
nlohmann::json json_within_depth(std::string_view text);

} // namespace lectio

// Whose symptom is a failure? Answered from `needs` alone: what is not written there is not guessed.
#pragma once

#include "incidents/judge.h"

#include <map>
#include <set>
#include <string>

namespace lectio {

// Check → its root cause, for every observed check that fails while something that it needs, directly or
// through others, fails at least as badly: a warning never hides an outage. Of several roots the lowest layer
// counts. Checks that need each other in a circle are nobody's symptom.
// `state` already holds what this run has seen of `observed`.
std::map<std::string, std::string> find_roots(const JudgeState& state, const Policy& policy,
                                              const std::set<std::string>& observed, const Now& now);

} // namespace lectio

// What was asked and answered, for people who look closely: lectio-smoke run STEP -v.
#pragma once

#include "smoke/smoke_checks.h"
#include "words/phrase.h"

#include <string>
#include <vector>

namespace lectio::smoke {

// Request, answer, time by phase and what was compared, of each of these that was asked in the last walk. Secrets are
// masked.
std::string trace_of(const Trip& trip, const SmokeSettings& smoke, const std::vector<std::string>& names,
                     Lang lang);

} // namespace lectio::smoke

// The [TOOL.check.NAME] tables of a tool as what its job looks at.
#pragma once

#include "config/config.h"
#include "pipeline/pipeline.h"

#include <vector>

namespace lectio {

// Those that are switched on; what cannot be asked (a type that comes later, a variable that is set nowhere, more than
// the state keeps) is shelved with the reason.
void add_configured_checks(Job& job, const std::vector<CheckSettings>& checks, const Config& config);

} // namespace lectio

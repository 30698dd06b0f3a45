// The [TOOL.check.NAME] tables of a tool as what its job looks at.
#pragma once

#include "checks/drift.h"
#include "config/config.h"
#include "pipeline/pipeline.h"

#include <memory>
#include <vector>

namespace lectio {

// Those that are switched on; what cannot be asked (a variable that is set nowhere, more than
// the state keeps) is shelved with the reason. `deploys`: of whom a check for changes without a deploy asks.
void add_configured_checks(Job& job, const std::vector<CheckSettings>& checks, const Config& config,
                           const std::shared_ptr<const Deploys>& deploys);

} // namespace lectio

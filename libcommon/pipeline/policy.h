// From the configuration to the rules of judging: for a run, and for a replay of recorded runs.
#pragma once

#include "alerts/delivery.h"
#include "checks/all_checks.h"
#include "config/config.h"
#include "incidents/judge.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// Of a check of `tool` ("health").
CheckPolicy policy_of(const CheckSettings& check, const CheckType& type, std::string_view tool,
                      const Config& config);
// When the routes pass on what `tool` tells of this check, or of what a script has told under a key.
void add_escalations(CheckPolicy& policy, std::string_view tool, const std::vector<AlertRoute>& routes);
// lectio-health's, with every check that is built and enabled.
Policy policy_of(const Config& config, const std::string& host);

// The logins and steps of lectio-smoke that are enabled, with all that each needs, and the connection before them.
std::vector<CheckPolicy> smoke_policies(const Config& config);

// What would be told of the runs of lectio-smoke.
Policy smoke_policy_of(const Config& config, const std::string& host);

} // namespace lectio

// Known deploys: what checks may ask of them (checks/drift.h): lectio-deploy's own by its records, any other by the
// marker that it set, which stands in the history of the runs.
#pragma once

#include "checks/drift.h"
#include "config/config.h"

#include <memory>

namespace lectio::release {

std::shared_ptr<const Deploys> known_deploys(const Config& config);

} // namespace lectio::release

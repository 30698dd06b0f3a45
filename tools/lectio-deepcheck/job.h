// From the configuration to what the pipeline is asked to do.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"

namespace lectio::deepcheck {

Job make_job(const LoadedConfig& loaded, World& world);
// Only the checks of hardening among them.
Job make_audit(const LoadedConfig& loaded, World& world);

} // namespace lectio::deepcheck

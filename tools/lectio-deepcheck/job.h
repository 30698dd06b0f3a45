// From the configuration to what the pipeline is asked to do.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"

namespace lectio::deepcheck {

Job make_job(const LoadedConfig& loaded, World& world);
// Only the checks of hardening among them, and those of the profile (a file) whose names the configuration does not
// have itself. Empty: no profile.
Job make_audit(const LoadedConfig& loaded, World& world, const Path& profile);

} // namespace lectio::deepcheck

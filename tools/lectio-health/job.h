// From the configuration to what the pipeline is asked to do.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"

namespace lectio::health {

// What is wrong with the configuration becomes notices of the self check `config`.
Job make_job(const LoadedConfig& loaded, World& world);

} // namespace lectio::health

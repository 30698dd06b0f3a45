// From the configuration to what the pipeline is asked to do.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"

#include <memory>
#include <vector>

namespace lectio::health {

// The tables of check types and actions, as the configuration wants them.
Kinds known_kinds();

// `wrong`: why the configuration that should have been used did not load; empty when it did.
Job make_job(const LoadedConfig& loaded, World& world);

std::vector<std::unique_ptr<Channel>> make_channels(const Config& config);

} // namespace lectio::health

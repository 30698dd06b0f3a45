// From the configuration to what the pipeline is asked to do.
#pragma once

#include "config/load.h"
#include "pipeline/pipeline.h"
#include "smoke/smoke_checks.h"

#include <memory>

namespace lectio::smoke {

// Every login and step becomes a check that asks `trip`. What cannot be asked, and what needs that, is shelved.
Job make_job(const LoadedConfig& loaded, World& world, const std::shared_ptr<Trip>& trip);

} // namespace lectio::smoke

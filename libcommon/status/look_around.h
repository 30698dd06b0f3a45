// Fills an Overview from what the tools have left on this host. Takes no lock, writes nothing, and waits for nobody.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "platform/world.h"
#include "status/overview.h"

#include <string>

namespace lectio::status {

struct LookingAround {
    std::string host;
    // Secrets could not be read, so that nothing can be said of the channels; empty: they could.
    Text secrets_denied;
};

// `until`: the history is read no longer.
Overview look_around(World& world, const Config& config, Delivery& delivery, const LookingAround& how,
                     SteadyTime until);

} // namespace lectio::status

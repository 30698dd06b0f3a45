// Fills an Overview from what the tools have left on this host. Takes no lock, writes nothing, and waits for nobody.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "platform/world.h"
#include "status/long_view.h"
#include "status/overview.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio::status {

// What the page wants beyond the screen; filled as far as the history is there.
struct FarBack {
    LongViewReader reader;
    std::optional<std::vector<PastIncident>> incidents{}; // none: the history could not be read

    [[nodiscard]] LongView view() const;
};

struct LookingAround {
    std::string host;
    // Secrets could not be read, so that nothing can be said of the channels; empty: they could.
    Text secrets_denied;
    FarBack* far_back = nullptr; // nothing: a day will do
};

// `until`: the history is read no longer.
Overview look_around(World& world, const Config& config, Delivery& delivery, const LookingAround& how,
                     SteadyTime until);

} // namespace lectio::status

// Words under a key, from a script (`lectio-notify send --key`) or a tool that runs by night: told once in
// alerts.key_window, counted in between, open to the operator until an end is told. A file in state/events makes it an
// incident of lectio-health (incidents/key_events.h).
#pragma once

#include "alerts/delivery.h"
#include "alerts/message.h"
#include "config/config.h"
#include "operator/desk.h"
#include "platform/world.h"

#include <optional>

namespace lectio {

struct Keyed {
    std::optional<Message> message; // to be told now, under `lock` until it is stored
    Text instead;                   // there is none: why, and what became of it
    std::optional<Error> unleft;    // lectio-health will know nothing of it
    Lock lock;
};

// What is to become of `words`, of which the key is not empty and the title and text are somebody's: they are cleaned
// here. With Effect::none nothing is left anywhere.
Keyed under_key(World& world, const Config& config, Delivery& delivery, Words words, Effect effect);

} // namespace lectio

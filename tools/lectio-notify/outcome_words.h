// What several commands say of a delivery.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "incidents/markers.h"

namespace lectio::notify {

inline constexpr Phrase k_would_send{"would send:\n{}", "было бы отправлено:\n{}"};
inline constexpr Phrase k_no_channel{"no channel is configured", "не настроен ни один канал"};

// "sent 3, waiting 0, rejected 0"
Text delivery_counts(const DeliveryReport& report);
// What is not critical waits for its time; of Pause::none nothing.
Text why_kept(Pause pause, const Config& config);
// Words told under a mute or maintenance wait for its end.
Text why_muted(const Suppression& suppression, const Config& config);
// The channel and its trouble; empty when there is none, and nothing is kept back.
Text why_not_yet(const DeliveryReport& report);

} // namespace lectio::notify

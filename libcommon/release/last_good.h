// The healer's way back: the last good release, by the same transaction and journal as a deploy.
//
// Once in an incident, which the journal knows: its first record names the incidents. What the gate does not pass then is
// undone, because then the release was not what had broken (docs/decisions/0029-the-healer-goes-back.md).
#pragma once

#include "config/load.h"
#include "recovery/way_back.h"

#include <memory>

namespace lectio::release {

// nullptr: the configuration does not say that anything is released here. `loaded` outlives it.
std::shared_ptr<WayBack> last_good_release(const LoadedConfig& loaded);

} // namespace lectio::release

// Units whose code can be kept from running for a while without losing requests (RELEASES_AND_BACKUPS section 4, "Fence gate").
#pragma once

#include "platform/services.h"

namespace lectio::release {

// `lectio-deploy gate` stands before its start.
bool waits_at_gate(const UnitState& unit);
// A socket unit takes its connections, also while it is stopped.
bool has_socket(const UnitState& unit);

} // namespace lectio::release

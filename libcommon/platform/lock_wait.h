// Waiting for a lock that others hold for a while.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"

#include <string_view>

namespace lectio {

// Files::lock() again and again until it is ours. busy: somebody held it for all of `limit`, or the run was asked to stop
// (stop_requested()); other Errors of lock() are returned at once.
Result<Lock> wait_for_lock(Files& files, Clock& clock, const Path& path, std::string_view tool,
                           Duration limit);

} // namespace lectio

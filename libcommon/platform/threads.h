// Threads that may be left behind: for calls that cannot be interrupted (getaddrinfo, statvfs, a client
// library).
#pragma once

#include "util/result.h"

#include <functional>

namespace lectio {

// Runs `work` in a detached thread. It may still be running when the caller has given it up, so it owns what
// it touches (shared_ptr). The process leaves by _exit (CONTRACT 34): such a thread never sees statics
// destroyed.
Result<void> start_abandonable(std::function<void()> work);

} // namespace lectio

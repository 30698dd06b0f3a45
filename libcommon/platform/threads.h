// Threads that may be left behind: for calls that cannot be interrupted (getaddrinfo, statvfs, a client
// library).
#pragma once

#include "util/result.h"

#include <functional>

namespace lectio {

// Runs `work` in a detached thread. It may still be running when the caller has given it up, so it owns what
// it touches (shared_ptr). The process leaves by _exit (CONTRACT 34): such a thread never sees statics
// destroyed.
// Its stack is 1 MB whatever the limit of the process says.
Result<void> start_abandonable(std::function<void()> work);

// Raises the soft limit of the main thread's own stack to 1 MB where it is lower (`ulimit -s 64`, LimitSTACK=): a
// stack that is too small ends a process without a word. The kernel takes it into account at once. An error where
// less than 256 kB is all that the hard limit allows.
Result<void> ensure_stack();

} // namespace lectio

// Descendants: everything that a program has started, wherever it has put itself (proc(5), pidfd_open(2)).
#pragma once

#include <sys/types.h>

namespace lectio {

// Ends (SIGKILL) what descends from this child of ours, in whatever group or session, but not the child
// itself, which is left stopped: end it next, and reap it only then. What has become a daemon (the one that
// started it has ended, so init is its parent now) is nobody's descendant and stays.
void end_descendants(pid_t child);

} // namespace lectio

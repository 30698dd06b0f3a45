// What every child of ours does first, whatever it becomes. Only async-signal-safe calls: other threads of ours may have
// held any lock at the fork.
#pragma once

namespace lectio {

// Handlers, ignored and blocked signals of the parent mean nothing in the child: all are as in a fresh program.
void reset_signals();

} // namespace lectio

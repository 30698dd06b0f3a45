// A core file holds the memory of a process, and ours has tokens and passwords in it (DESIGN rule 8).
#pragma once

namespace lectio {

// No core file of this process, wherever the kernel would send it, and no other process of the same user reads its
// memory. Ends with the next execve: programs that are started have their own rules (prctl(2), PR_SET_DUMPABLE).
void forbid_core_dumps();

} // namespace lectio

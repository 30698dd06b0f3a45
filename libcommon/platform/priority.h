// Giving way to whoever else wants the processor and the disk.
#pragma once

namespace lectio {

// `nice` (0 to 19, setpriority(2)), and the disk only when nobody else wants it (ioprio_set(2), idle), for this process
// and what it starts. What the kernel refuses stays as it was: it is no reason not to work.
void give_way(int nice);

} // namespace lectio

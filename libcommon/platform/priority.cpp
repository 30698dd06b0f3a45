#include "platform/priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {

void give_way(int nice) {
    // linux/ioprio.h of these kernels has no constants for user space.
    constexpr int k_this_process = 1; // IOPRIO_WHO_PROCESS
    constexpr int k_idle = 3 << 13;   // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)
    [[maybe_unused]] const int processor = ::setpriority(PRIO_PROCESS, 0, nice);
    [[maybe_unused]] const long disk = ::syscall(SYS_ioprio_set, k_this_process, 0, k_idle);
}

} // namespace lectio

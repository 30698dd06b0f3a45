#include "platform/core_dumps.h"

#include <sys/prctl.h>

namespace lectio {

void forbid_core_dumps() {
    // Not RLIMIT_CORE: it is inherited by what is started, and a handler that takes cores through a pipe ignores it.
    ::prctl(PR_SET_DUMPABLE, 0);
}

} // namespace lectio

#include "platform/signal_set.h"

namespace lectio {

sigset_t signal_set(std::span<const int> signals) {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : signals) {
        ::sigaddset(&set, signal);
    }
    return set;
}

} // namespace lectio

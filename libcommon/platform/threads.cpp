#include "platform/threads.h"

#include <system_error>
#include <thread>

#include <malloc.h>

namespace lectio {
namespace {

// Threads here wait far more than they allocate: a heap of its own for each would cost pages and gain nothing.
void share_one_heap() {
    [[maybe_unused]] static const int once = ::mallopt(M_ARENA_MAX, 1);
}

} // namespace

Result<void> start_abandonable(std::function<void()> work) {
    share_one_heap();
    try {
        std::thread(std::move(work)).detach();
    } catch (const std::system_error& error) {
        return errno_error("start a thread", error.code().value());
    }
    return {};
}

} // namespace lectio

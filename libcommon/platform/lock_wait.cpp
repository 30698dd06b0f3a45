#include "platform/lock_wait.h"

#include "platform/stop.h"

namespace lectio {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_between_tries = 100ms;

} // namespace

Result<Lock> wait_for_lock(Files& files, Clock& clock, const Path& path, std::string_view tool,
                           Duration limit) {
    const SteadyTime until = clock.steady() + limit;
    for (;;) {
        Result<Lock> lock = files.lock(path, tool, clock.now().wall);
        const bool held = !lock && lock.error().kind == ErrorKind::busy;
        if (!held || stop_requested() || clock.steady() >= until) {
            return lock;
        }
        clock.sleep_for(k_between_tries);
    }
}

} // namespace lectio

#include "operator/health_events.h"

#include "incidents/ids.h"
#include "platform/host.h"
#include "platform/users.h"

#include <chrono>

#include <fmt/format.h>

namespace lectio {
namespace {

using namespace std::chrono_literals;

// Held while events are read and one is stored, never while it is sent. Where it cannot be had even so (a disk that
// hangs) we go on without: each event is a file of its own and none is lost, but two at the same moment may both be told.
// An alert twice is better than one that waits for such a disk.
constexpr Duration k_for_the_lock = 1s;
constexpr mode_t k_run_mode = 0755; // as the pipeline makes it

} // namespace

Lock lock_events(World& world, const Paths& paths) {
    const SteadyTime end = world.clock.steady() + k_for_the_lock;
    if (!world.files.make_folders(paths.run, k_run_mode)) {
        return {};
    }
    for (;;) {
        Result<Lock> lock =
            world.files.lock(paths.run / "events.lock", "lectio-notify", world.clock.now().wall);
        if (lock) {
            return std::move(*lock);
        }
        if (lock.error().kind != ErrorKind::busy || world.clock.steady() >= end) {
            return {};
        }
        world.clock.sleep_for(10ms);
    }
}

ToolState state_of_health(World& world, const Paths& paths) {
    StateKeeper keeper(world.files, paths.state / k_health, paths.run / fmt::format("{}-state", k_health),
                       "/dev/shm", effective_user());
    return keeper.load(world.clock.now().wall, StateFile::Access::reader).state;
}

std::string new_incident(World& world, std::string_view subject) {
    const Now now = world.clock.now();
    return base32_id(stable_hash(fmt::format("{}/{}/{}/{}", now.boot_id, subject,
                                             now.wall.time_since_epoch().count(), world.host.self_pid())));
}

} // namespace lectio

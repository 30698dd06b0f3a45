#include "events.h"

#include "incidents/ids.h"
#include "platform/host.h"
#include "platform/users.h"
#include "session.h"

#include <chrono>

#include <fmt/format.h>

namespace lectio::notify {
namespace {

using namespace std::chrono_literals;

// Held while events are read and one is stored, never while it is sent. Where it cannot be had even so (a disk that
// hangs) we go on without: each event is a file of its own and none is lost, but two at the same moment may both be told.
// An alert twice is better than one that waits for such a disk.
constexpr Duration k_for_the_lock = 1s;
constexpr mode_t k_run_mode = 0755; // as the pipeline makes it

} // namespace

Lock lock_events(Session& session) {
    World& world = session.world();
    const Path& run = session.config().paths.run;
    const SteadyTime end = session.deadline(k_for_the_lock);
    if (session.common().dry_run || !world.files.make_folders(run, k_run_mode)) {
        return {};
    }
    for (;;) {
        Result<Lock> lock = world.files.lock(run / "events.lock", "lectio-notify", session.now());
        if (lock) {
            return std::move(*lock);
        }
        if (lock.error().kind != ErrorKind::busy || world.clock.steady() >= end) {
            return {};
        }
        world.clock.sleep_for(10ms);
    }
}

ToolState state_of_health(Session& session) {
    const Paths& paths = session.config().paths;
    StateKeeper keeper(session.world().files, paths.state / k_health,
                       paths.run / fmt::format("{}-state", k_health), "/dev/shm", effective_user());
    return keeper.load(session.now(), StateFile::Access::reader).state;
}

std::string new_incident(Session& session, std::string_view subject) {
    const Now now = session.world().clock.now();
    return base32_id(
        stable_hash(fmt::format("{}/{}/{}/{}", now.boot_id, subject, now.wall.time_since_epoch().count(),
                                session.world().host.self_pid())));
}

} // namespace lectio::notify

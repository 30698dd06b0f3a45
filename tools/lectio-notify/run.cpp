#include "run.h"

#include "platform/stop.h"
#include "session.h"

namespace lectio::notify {

int run(const Options& options, World world) {
    Session session(options.common, world);
    if (const std::optional<int> leave = session.open()) {
        return *leave;
    }
    end_process_after(options.command->longest(session));
    const int status = options.command->execute(session);
    // Whole, but ended before its time: who asked for that is told so (CONTRACT 23).
    return stop_requested() ? 128 + stop_signal() : status;
}

} // namespace lectio::notify

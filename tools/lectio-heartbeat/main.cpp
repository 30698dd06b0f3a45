#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "job.h"
#include "options.h"
#include "ping.h"
#include "platform/core_dumps.h"
#include "platform/processes.h"
#include "platform/real_world.h"
#include "platform/stop.h"
#include "platform/threads.h"
#include "watchdog.h"

#include <variant>

#include <unistd.h>

namespace {

lectio::Result<int> run(const lectio::heartbeat::Options& options) {
    using namespace lectio;
    LECTIO_TRY(ensure_stack());
    static RealWorld world; // not destroyed: threads of checks that were given up go on using it
    if (!options.probe.empty()) {
        return heartbeat::run_watchdog(options, world.world()); // hands signals on
    }
    catch_stop_signals([] { world.http.wake(); });
    return options.job.empty() ? heartbeat::run(options, world.world())
                               : heartbeat::run_job(options, world.world());
}

} // namespace

int main(int argc, char** argv) {
    using namespace lectio;
    forbid_core_dumps();
    ensure_standard_streams();
    const auto parsed = heartbeat::parse_options(argc, argv);
    if (const int* leave = std::get_if<int>(&parsed)) {
        return *leave;
    }
    const auto& options = std::get<heartbeat::Options>(parsed);
    const int status =
        run_or_say_why("lectio-heartbeat", options.common.format, [&] { return run(options); });
    end_running_programs();
    ::_exit(status); // no destructors: a thread may still hang in the kernel
}

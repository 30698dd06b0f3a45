#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "options.h"
#include "platform/core_dumps.h"
#include "platform/processes.h"
#include "platform/real_world.h"
#include "platform/stop.h"
#include "platform/threads.h"
#include "run.h"

#include <variant>

#include <unistd.h>

namespace {

lectio::Result<int> run(const lectio::cleanup::Options& options) {
    using namespace lectio;
    LECTIO_TRY(ensure_stack());
    static RealWorld world; // not destroyed: as in every tool
    catch_stop_signals([] { world.http.wake(); });
    return cleanup::run(options, world.world());
}

} // namespace

int main(int argc, char** argv) {
    using namespace lectio;
    forbid_core_dumps();
    ensure_standard_streams();
    const auto parsed = cleanup::parse_options(argc, argv);
    if (const int* leave = std::get_if<int>(&parsed)) {
        return *leave;
    }
    const auto& options = std::get<cleanup::Options>(parsed);
    const int status = run_or_say_why("lectio-cleanup", options.common.format, [&] { return run(options); });
    end_running_programs();
    ::_exit(stop_signal() != 0 ? 128 + stop_signal() : status);
}

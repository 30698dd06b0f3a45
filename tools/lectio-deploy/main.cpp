#include "cli/last_resort.h"
#include "cli/terminal.h"
#include "commands.h"
#include "options.h"
#include "platform/core_dumps.h"
#include "platform/processes.h"
#include "platform/real_world.h"
#include "platform/stop.h"
#include "platform/threads.h"

#include <variant>

#include <unistd.h>

namespace {

lectio::Result<int> run(const lectio::deploy::Options& options) {
    using namespace lectio;
    LECTIO_TRY(ensure_stack());
    static RealWorld world; // not destroyed: threads of checks that were given up go on using it
    // Who deploys over ssh may lose the line at any moment: what has begun is finished, and `attach` finds it again.
    catch_stop_signals([] { world.http.wake(); }, Hangup::ignored);
    return deploy::execute(options, world.world());
}

} // namespace

int main(int argc, char** argv) {
    using namespace lectio;
    forbid_core_dumps();
    ensure_standard_streams();
    const auto parsed = deploy::parse_options(argc, argv);
    if (const int* leave = std::get_if<int>(&parsed)) {
        return *leave;
    }
    const auto& options = std::get<deploy::Options>(parsed);
    int status = run_or_say_why("lectio-deploy", options.common.format, [&] { return run(options); });
    status = options.by_old_name ? deploy::exit_status_by_old_name(status) : status;
    end_running_programs();
    ::_exit(status); // no destructors: a thread may still hang in the kernel
}

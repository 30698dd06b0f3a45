#include "cli/terminal.h"
#include "history.h"
#include "init.h"
#include "options.h"
#include "platform/processes.h"
#include "platform/real_world.h"
#include "platform/stop.h"
#include "run.h"

#include <variant>

#include <unistd.h>

int main(int argc, char** argv) {
    using namespace lectio;
    ensure_standard_streams();
    const auto parsed = health::parse_options(argc, argv);
    if (const int* leave = std::get_if<int>(&parsed)) {
        return *leave;
    }
    RealWorld world;
    catch_stop_signals([&] { world.http.wake(); });
    const auto& options = std::get<health::Options>(parsed);
    const int status = options.init      ? health::run_init(options, world.world())
                       : options.history ? health::show_history(options, world.world())
                                         : health::run(options, world.world());
    // Threads of checks that were given up may still hang in the kernel: destroying what they use is not ours
    // to do.
    end_running_programs();
    ::_exit(status);
}

#include "cli/terminal.h"
#include "options.h"
#include "platform/real_world.h"
#include "platform/stop.h"
#include "run.h"

#include <variant>

#include <unistd.h>

int main(int argc, char** argv) {
    using namespace lectio;
    ensure_standard_streams();
    const auto parsed = notify::parse_options(argc, argv);
    if (const int* leave = std::get_if<int>(&parsed)) {
        return *leave;
    }
    RealWorld world;
    catch_stop_signals([&] { world.http.wake(); });
    const int status = notify::run(std::get<notify::Options>(parsed), world.world());
    // A thread that resolves a name may still hang: destroying what it uses is not ours to do.
    ::_exit(status);
}

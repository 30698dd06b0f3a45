#include "load_from_memory.h"

#include "cli/known_kinds.h"
#include "platform/real_world.h"

namespace lectio::fuzz {

LoadedConfig load_from_memory(MemoryFiles& files, ConfigRequest request) {
    RealWorld real;
    World world{real.clock, files, real.host, real.http, real.processes, real.services, real.redis};
    static const Kinds kinds = known_kinds();
    request.kinds = kinds;
    return load_config(world, request, LastGood::fall_back);
}

} // namespace lectio::fuzz

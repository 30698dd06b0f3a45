#include "release/nginx_of_host.h"

#include "discovery/glance.h"
#include "platform/host.h"

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_time = 2s;

} // namespace

std::optional<NginxTree> nginx_of_host(World& world, const Path& main) {
    const Result<std::vector<Mount>> mounts = world.host.mounts();
    if (!mounts || !world.files.info(main, Files::Follow::yes)) {
        return std::nullopt;
    }
    Glance glance(world.files, *mounts, world.clock, world.clock.steady() + k_time);
    NginxFiles files(glance);
    return parse_nginx(files, main);
}

} // namespace lectio::release

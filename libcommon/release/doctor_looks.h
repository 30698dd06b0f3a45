// What lectio-deploy doctor looks at before it judges.
#pragma once

#include "config/config.h"
#include "discovery/nginx_config.h"
#include "platform/world.h"
#include "release/doctor.h"
#include "release/readable.h"

namespace lectio::release {

// Changes nothing, takes no lock. `is_proven`: something is asked of the site after a release (ConfiguredGate).
DeployConditions look_at_conditions(World& world, ReleaseDisk& disk, const Config& config, Shelf& shelf,
                                    bool is_proven, const WebServerPlaces& places = {});

// Where nginx serves from `root` (root, alias), what open_file_cache says there: its arguments, each once; "off" is left out.
std::vector<std::string> file_caches_of(const NginxTree& nginx, const Path& root);
// Whether an `if` of nginx's asks for this file.
bool asks_for_file(const NginxTree& nginx, const Path& file);

} // namespace lectio::release

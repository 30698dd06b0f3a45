// What the heartbeat looks at: the site, by one request, and the suite, by what its tools have left.
#pragma once

#include "alerts/delivery.h"
#include "config/config.h"
#include "heartbeat/verdict.h"
#include "platform/world.h"

#include <map>
#include <string>

namespace lectio::heartbeat {

// Why the site is down; empty: it answers. Any 2xx after redirects is an answer.
Text look_at_site(World& world, const HeartbeatSettings& settings, SteadyTime until);

// What is wrong with the suite itself: tools that did not run, messages that do not get through. `awaited`: since when
// a tool that never ran has been waited for, kept from run to run.
std::vector<Text> look_at_suite(World& world, const Config& config, Delivery& delivery,
                                std::map<std::string, std::string>& awaited);

// Somebody has been told, by a message that arrived, of something critical that is open.
bool has_operator_been_told(World& world, const Config& config, Delivery& delivery);

} // namespace lectio::heartbeat

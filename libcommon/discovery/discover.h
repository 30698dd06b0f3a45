// Discovery: what is to be watched on this host when no configuration says so (CONTRACT 1).
//
// It looks at what runs (processes, units, sockets), at what is configured (nginx's files, Caddy's and Docker's own
// word) and, for what it has not seen before, at how that answers now. It starts no program and changes nothing.
#pragma once

#include "discovery/found_check.h"
#include "platform/world.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

struct DiscoverRequest {
    std::function<bool(std::string_view)> knows_type; // which check types there are
    std::optional<std::string> nginx_dump;            // output of `nginx -T`, where somebody has asked for it
};

// What is found now, and of `known` what is gone for less than a week. Takes at most a few seconds, whatever hangs.
Discovered discover(World& world, const Discovered& known, const DiscoverRequest& request);

// The checks as the text of a configuration, without comments.
std::string config_of(const Discovered& discovered);
// One of them, as it stands there; `names`: all of them, for `needs`.
std::string config_of(const FoundCheck& check, const Discovered& names);

} // namespace lectio

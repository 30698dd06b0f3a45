// The canary: new code is started on a private socket and asked over HTTP, before anybody meets it.
#pragma once

#include "platform/files.h"
#include "platform/processes.h"
#include "platform/world.h"
#include "words/phrase.h"

#include <optional>
#include <string>

namespace lectio::release {

struct CanaryRequest {
    ProcessRequest program; // serves on `socket` until it is ended
    Path socket;
    std::string path;        // "/api/health/"
    std::string host;        // the name by which the site is asked; empty: localhost
    Duration within{60'000}; // no good answer by then: it fails
};

// Nothing: it has answered with something that is no failure of the server (below 400, or 401 or 403: it wants a login).
// Else why not: how the program has ended, what it answered.
std::optional<Text> failure_of_canary(World& world, const CanaryRequest& request);

} // namespace lectio::release

// Questions to what was found, asked once: how does it answer while it is well?
#pragma once

#include "platform/world.h"
#include "util/units.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

// How a web page answers now.
struct WebAnswer {
    enum class Kind { page, not_http, none };
    Kind kind = Kind::none;
    int status = 0;
    bool trusted =
        true; // its certificate, dates apart: an expired one is a fault to be told of, not a custom
};
// GET, without following redirects; `resolve` as of a check.
WebAnswer ask_page(World& world, const std::string& url, const std::string& resolve, Duration timeout);

// The body of a good answer of a local API (Docker's, Caddy's).
std::optional<std::string> ask_api(World& world, const std::string& url, Duration timeout);

struct RedisAnswer {
    enum class Kind { open, locked, none }; // locked: it wants a password
    Kind kind = Kind::none;
    std::vector<int> celery; // databases over which Celery's workers are asked
};
RedisAnswer ask_redis(World& world, const std::string& url, Duration timeout);

} // namespace lectio

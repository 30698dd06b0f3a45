// Deed: one thing that a rule of [cleanup] asks for, and what became of it.
#pragma once

#include "platform/clock.h"
#include "platform/world.h"
#include "util/units.h"
#include "words/phrase.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lectio {
struct Config;
}

namespace lectio::cleanup {

struct Deed {
    std::string rule;             // "temp /tmp/lectio-*"
    std::string target;           // a path, "npm run build (812)", a unit
    std::optional<Bytes> freed{}; // or would be; none: it is not about room, as a restart
    enum class End {
        done,
        shown,  // would be done
        left,   // it matches, and `words` say why it stays all the same
        failed, // `words` say why
    };
    End end = End::done;
    Text words{};
};

// What became of it, in a line of the log.
Text line_of(const Deed& deed);

// What every rule works with.
struct Sweep {
    World& world;
    const Config& config;
    enum class Effect { none, real } effect = Effect::none;
    std::function<bool()> may_go_on; // there is time, and nobody has asked us to stop
    std::vector<Deed> deeds{};
};

} // namespace lectio::cleanup

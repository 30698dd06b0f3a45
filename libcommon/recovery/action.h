// Action: one thing that the ladder can do to this host. One file each, one row in all_actions.cpp.
//
// An action looks before it acts, and looking changes nothing: that is how a rung with nothing to do costs
// nothing, and how a broken configuration is never restarted into. Limits, locks, waiting and proof are the
// ladder's.
#pragma once

#include "platform/clock.h"
#include "platform/world.h"
#include "words/phrase.h"

#include <string>
#include <vector>

namespace lectio {

class WayBack;

struct ActionContext {
    World& world;
    SteadyTime deadline; // the action returns by then, whatever it started
    // More than 0 when the limits could not be stored. A unit that was started less than this ago is then left
    // alone, and what disrupts without a trace of when it was last done (exec, reload) is refused: a host that
    // can remember nothing must not be acted on each minute.
    Duration least_uptime{};
    // A unit that somebody else has started less than this ago is waited for, as if it had been started here: a second
    // restart would only begin its start-up anew.
    Duration start_up{};
    WayBack* way_back = nullptr;          // nullptr: nothing is released here
    std::vector<std::string> incidents{}; // ids of what it is to mend
};

// What an action found when it looked.
struct Readiness {
    enum class Kind {
        go,
        nothing_to_change, // all is as the action would make it: no attempt
        wait,              // it is being started, or was just now: acting would only begin that anew
        refused,           // acting would do harm or cannot work; `words` say why
    };
    Kind kind = Kind::go;
    Text words{};       // refused: why; wait: for what
    Duration at_most{}; // wait: how long the unit itself may take to start; 0: only `settle`
};

struct ActionResult {
    bool ok = false;
    Text detail; // "12 files", "restarted in 340 ms", or why not
    // Somebody else is at work on the same thing: nothing was touched, so this was no attempt.
    bool stood_aside = false;
};

class Action {
  public:
    virtual ~Action() = default;
    virtual std::string target() const = 0; // a unit, a path, a program
    virtual Readiness look(const ActionContext& context) const = 0;
    virtual ActionResult act(const ActionContext& context) const = 0;
    // Commands for the shell with which a person goes on when this did not help. They only look.
    virtual std::vector<std::string> look_with() const = 0;
};

// Disruptive actions interrupt the service or cannot be foreseen; per_hour counts them.
enum class Disruptive { no, yes };

} // namespace lectio

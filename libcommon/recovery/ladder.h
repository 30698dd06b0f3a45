// The recovery ladder: what is tried, in which order, until the failing checks pass (DESIGN rule 5, CONTRACT
// 14–17).
//
//     plan_recovery()  decides, purely: which root causes may be acted on now, by which rungs, and why not the others
//     climb()          does it: lock, look, act, ask the failing checks again; comes back by the deadline
//
// --dry-run prints the plan and stops there.
#pragma once

#include "checks/check.h"
#include "incidents/news.h"
#include "platform/files.h"
#include "recovery/action.h"
#include "recovery/limits.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

// One [[health.recovery]].
struct Rung {
    std::string name;
    std::vector<std::string> when; // checks whose failure, as a root cause, triggers it
    std::string action;            // the name of the type: "restart"
    Disruptive disruptive = Disruptive::yes;
    Duration settle{10'000}; // after it, the checks have at most this long to pass
    std::shared_ptr<const Action> doing;
};

// A failure that the judge has confirmed.
struct ConfirmedFailure {
    std::string check;
    Status status = Status::critical;
    Remedy remedy = Remedy::try_it;
    std::string symptom_of; // empty: a root cause
    std::string incident{}; // its id
};

// Why nothing was done about a failure; told with it.
struct NotActed {
    std::string check;
    Text reason;
};

// A root cause that the ladder does not mend by itself any more, and the commands to look with.
struct PersonNeeded {
    std::string check;
    std::vector<std::string> look_with;
    CallReason reason = CallReason::useless_attempts;
};

struct RecoveryPlan {
    std::vector<std::string> roots; // may be acted on now; each has a rung
    std::vector<const Rung*> rungs; // those that the roots trigger, in the configured order
    std::vector<NotActed> not_acted;
    // Root causes with rungs that per_hour holds back (the machine is done with them for up to an hour), and
    // those that an earlier run was to call for and did not live to.
    std::vector<PersonNeeded> held_back;
};

// Warnings, unknowns and symptoms are left out without words: nobody expects them to be acted on.
RecoveryPlan plan_recovery(const std::vector<Rung>& ladder, const RecoveryLimits& limits,
                           const RecoveryState& state, const std::vector<ConfirmedFailure>& failures,
                           const Now& now);

// The root causes of the plan that trigger this rung of it.
std::vector<std::string> roots_of(const Rung& rung, const RecoveryPlan& plan);

using LatestLooks = std::map<std::string, CheckResult>; // by check

// What may be done about symptoms that have become faults of their own.
struct NextRound {
    RecoveryPlan plan;
    std::vector<ConfirmedFailure> failures; // of all that fails now, as given to plan_recovery()
};

// Symptoms that fail on after their root cause was mended: whose they are is the judge's to say.
struct Outliving {
    // Those of these checks that nothing else explains.
    std::function<std::vector<std::string>(const LatestLooks&, const std::vector<std::string>&)> unexplained;
    // These are incidents from now on: called once for each, before anything is done about it.
    std::function<NextRound(const LatestLooks&, const std::vector<std::string>&)> take_up;
};

// What climbing needs of the run.
struct Climber {
    World& world;
    Path host_lock;      // run/host.lock, held for each action
    std::string tool;    // named in the lock: "lectio-health"
    SteadyTime deadline; // nothing is begun that could not be followed until then
    // Asks these checks again; a check without an answer is left out.
    std::function<std::map<std::string, CheckResult>(const std::vector<std::string>&)> recheck;
    // Called before each action with the state that already counts it, together with the openings (CONTRACT
    // 17): a run that dies while acting has been counted. An error does not stop the healing, but units that
    // were started within the last cooldown are then left alone.
    std::function<Result<void>(const RecoveryState&)> remember;
    // Asked before each action: why nothing may be touched any more (a deploy or a maintenance that began after this
    // run was judged). Nothing: go on.
    std::function<std::optional<Text>()> forbidden = [] { return std::nullopt; };
    std::optional<Outliving> outliving{}; // nothing: what outlives its root is left to the next run
    WayBack* way_back = nullptr;          // nullptr: nothing is released here
};

struct RecoveryOutcome {
    RecoveryState state;
    std::vector<Deed> deeds;                    // in order; what found nothing to change is not among them
    std::map<std::string, CheckResult> results; // the latest look that saw anything, of what was asked again
    std::vector<PersonNeeded> needs_person;     // attempts or per_hour used up in this run: once a root
    std::vector<NotActed> not_acted;            // the plan's and what came up while climbing
};

// `failures` as given to plan_recovery(): symptoms are asked again, too, since they pass when their root
// does.
RecoveryOutcome climb(const RecoveryPlan& plan, const RecoveryLimits& limits, RecoveryState state,
                      const std::vector<ConfirmedFailure>& failures, const Climber& climber);

} // namespace lectio

// What restart, reload and start have in common: the unit is looked at, its configuration tested, a job
// awaited.
#pragma once

#include "platform/services.h"
#include "recovery/action.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct UnitActionSettings {
    std::string unit;
    std::vector<std::string> test; // must exit with 0 before the unit is touched: ["nginx", "-t"]
};

// Why a unit can be neither started nor stopped now: unknown, masked, on its way by itself, started just now.
std::optional<Readiness> why_not_now(const UnitState& unit, const ActionContext& context);
// Runs the test; refused with its words when it fails, go when it passes or there is none.
Readiness test_configuration(const UnitActionSettings& settings, const ActionContext& context);
// The job, awaited until the context's deadline, and its outcome in words.
ActionResult do_job(const std::string& unit, Services::Verb verb, const ActionContext& context);

// "postgresql" → "postgresql.service", as systemctl does.
std::string with_suffix(const std::string& unit);
std::vector<std::string> commands_to_look_at(const UnitActionSettings& settings);

// Time until the deadline, at most `limit`.
Duration time_for(const ActionContext& context, Duration limit);

} // namespace lectio

// What restart, reload and start have in common: the unit is looked at, its configuration tested, a job
// awaited. Each of them says only when it must not be done, and which job does it.
#pragma once

#include "config/schema.h"
#include "platform/services.h"
#include "recovery/action.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct UnitActionSettings {
    std::string unit;
    std::vector<std::string> test; // must exit with 0 before the unit is touched: ["nginx", "-t"]
};

// `unit` and `test`; `unit_help` says what is done to the unit.
Schema<UnitActionSettings> unit_action_schema(std::string_view unit_help);

class UnitAction : public Action {
  public:
    explicit UnitAction(UnitActionSettings settings);
    std::string target() const final { return m_settings.unit; }
    // A unit that cannot be looked at, or that there is a reason against, is left alone; the test comes last.
    Readiness look(const ActionContext& context) const final;
    std::vector<std::string> look_with() const final;

  protected:
    // Why the action is not for this unit now; nothing: it is, if the test passes.
    virtual std::optional<Readiness> why_not(const UnitState& unit, const ActionContext& context) const = 0;
    Result<UnitState> unit_now(const ActionContext& context) const;

  private:
    UnitActionSettings m_settings;
};

// Why a unit can be neither started nor stopped now: unknown, masked, on its way by itself, started just now.
std::optional<Readiness> why_not_now(const UnitState& unit, const ActionContext& context);
// The job, awaited until the context's deadline, and its outcome in words.
ActionResult do_job(const std::string& unit, Services::Verb verb, const ActionContext& context);

// Refused: the limits could not be stored, and nothing on the host tells when this was last done. It would be done
// in every run.
Readiness unproven(const std::string& target);

// Time until the deadline, at most `limit`.
Duration time_for(const ActionContext& context, Duration limit);

} // namespace lectio

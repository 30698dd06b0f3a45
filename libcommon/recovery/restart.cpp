#include "recovery/restart.h"

#include "recovery/unit_action.h"

namespace lectio {
namespace {

// With less than this left, the start after a failed restart would not be seen through.
constexpr Duration k_time_to_start{1'000};

constexpr Phrase k_started_again{"{}; it was left stopped, so it was started: {}",
                                 "{}; юнит остался остановленным, поэтому запустили: {}"};

const Schema<UnitActionSettings>& restart_schema() {
    static const Schema<UnitActionSettings> schema = unit_action_schema("unit to restart");
    return schema;
}

class Restart final : public UnitAction {
  public:
    using UnitAction::UnitAction;

    ActionResult act(const ActionContext& context) const override {
        const ActionResult restarted = do_job(target(), Services::Verb::restart, context);
        return restarted.ok ? restarted : never_leave_it_stopped(restarted, context);
    }

  private:
    std::optional<Readiness> why_not(const UnitState& unit, const ActionContext& context) const override {
        return why_not_now(unit, context);
    }

    // A restart is a stop and a start, and what cut it short may have done so in between. Starting what is
    // stopped is the last thing tried, and it is safe.
    ActionResult never_leave_it_stopped(const ActionResult& restarted, const ActionContext& context) const {
        const Result<UnitState> unit = unit_now(context);
        const bool stopped =
            unit.ok() && (unit->active_state == "inactive" || unit->active_state == "failed");
        if (!stopped || context.deadline - context.world.clock.steady() < k_time_to_start) {
            return restarted;
        }
        const ActionResult started = do_job(target(), Services::Verb::start, context);
        return {started.ok, say(k_started_again, restarted.detail, started.detail)};
    }
};

} // namespace

ActionType restart_action_type() {
    return make_action_type<restart_schema, Restart>("restart", Disruptive::yes, "restarts a unit");
}

} // namespace lectio

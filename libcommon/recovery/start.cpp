#include "recovery/start.h"

#include "recovery/unit_action.h"

namespace lectio {
namespace {

const Schema<UnitActionSettings>& start_schema() {
    static const Schema<UnitActionSettings> schema =
        unit_action_schema("unit to start when it is not running");
    return schema;
}

class Start final : public UnitAction {
  public:
    using UnitAction::UnitAction;

    ActionResult act(const ActionContext& context) const override {
        return do_job(target(), Services::Verb::start, context);
    }

  private:
    std::optional<Readiness> why_not(const UnitState& unit, const ActionContext& context) const override {
        if (unit.active_state == "active") {
            return Readiness{Readiness::Kind::nothing_to_change};
        }
        return why_not_now(unit, context);
    }
};

} // namespace

ActionType start_action_type() {
    return make_action_type<start_schema, Start>("start", Disruptive::yes,
                                                 "starts a unit that is not running");
}

} // namespace lectio

#include "recovery/reload.h"

#include "recovery/unit_action.h"

namespace lectio {
namespace {

constexpr Phrase k_not_running{"{} is not running, so there is nothing to reload",
                               "{} не запущен, перечитывать конфигурацию некому"};
constexpr Phrase k_cannot_reload{"{} cannot be reloaded (its unit has no ExecReload=)",
                                 "{} не умеет перечитывать конфигурацию (в юните нет ExecReload=)"};

const Schema<UnitActionSettings>& reload_schema() {
    static const Schema<UnitActionSettings> schema = unit_action_schema("unit to reload");
    return schema;
}

class Reload final : public UnitAction {
  public:
    using UnitAction::UnitAction;

    ActionResult act(const ActionContext& context) const override {
        return do_job(target(), Services::Verb::reload, context);
    }

  private:
    std::optional<Readiness> why_not(const UnitState& unit, const ActionContext& context) const override {
        if (std::optional<Readiness> not_now = why_not_now(unit, context)) {
            return not_now;
        }
        if (unit.active_state != "active") {
            return Readiness{Readiness::Kind::refused, say(k_not_running, target())};
        }
        if (!unit.can_reload) {
            return Readiness{Readiness::Kind::refused, say(k_cannot_reload, target())};
        }
        if (context.least_uptime > Duration::zero()) { // systemd does not know when a unit was last reloaded
            return unproven(target());
        }
        return std::nullopt;
    }
};

} // namespace

ActionType reload_action_type() {
    return make_action_type<reload_schema, Reload>("reload", Disruptive::yes,
                                                   "has a unit read its configuration again");
}

} // namespace lectio

#include "recovery/reload.h"

#include "recovery/unit_action.h"

namespace lectio {
namespace {

constexpr Duration k_look_time{3'000};

constexpr Phrase k_not_running{"{} is not running, so there is nothing to reload",
                               "{} не запущен, перечитывать конфигурацию некому"};
constexpr Phrase k_cannot_reload{"{} cannot be reloaded (its unit has no ExecReload=)",
                                 "{} не умеет перечитывать конфигурацию (в юните нет ExecReload=)"};

const Schema<UnitActionSettings>& reload_schema() {
    static const Schema<UnitActionSettings> schema{
        required("unit", &UnitActionSettings::unit, "unit to reload"),
        optional("test", &UnitActionSettings::test,
                 "program that must exit with 0 before the unit is touched"),
    };
    return schema;
}

class Reload final : public Action {
  public:
    explicit Reload(UnitActionSettings settings) : m_settings(std::move(settings)) {
        m_settings.unit = with_suffix(m_settings.unit);
    }

    std::string target() const override { return m_settings.unit; }

    Readiness look(const ActionContext& context) const override {
        const Result<UnitState> unit = context.world.services.unit(target(), time_for(context, k_look_time));
        if (!unit.ok()) {
            return Readiness{Readiness::Kind::refused, verbatim(unit.error().message)};
        }
        if (std::optional<Readiness> not_now = why_not_now(*unit, context)) {
            return *std::move(not_now);
        }
        if (unit->active_state != "active") {
            return Readiness{Readiness::Kind::refused, say(k_not_running, target())};
        }
        if (!unit->can_reload) {
            return Readiness{Readiness::Kind::refused, say(k_cannot_reload, target())};
        }
        return test_configuration(m_settings, context);
    }

    ActionResult act(const ActionContext& context) const override {
        return do_job(target(), Services::Verb::reload, context);
    }

    std::vector<std::string> look_with() const override { return commands_to_look_at(m_settings); }

  private:
    UnitActionSettings m_settings;
};

} // namespace

ActionType reload_action_type() {
    return make_action_type<reload_schema, Reload>("reload", Disruptive::yes,
                                                   "has a unit read its configuration again");
}

} // namespace lectio

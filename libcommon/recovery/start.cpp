#include "recovery/start.h"

#include "recovery/unit_action.h"

namespace lectio {
namespace {

constexpr Duration k_look_time{3'000};

const Schema<UnitActionSettings>& start_schema() {
    static const Schema<UnitActionSettings> schema{
        required("unit", &UnitActionSettings::unit, "unit to start when it is not running"),
        optional("test", &UnitActionSettings::test,
                 "program that must exit with 0 before the unit is started"),
    };
    return schema;
}

class Start final : public Action {
  public:
    explicit Start(UnitActionSettings settings) : m_settings(std::move(settings)) {
        m_settings.unit = with_suffix(m_settings.unit);
    }

    std::string target() const override { return m_settings.unit; }

    Readiness look(const ActionContext& context) const override {
        const Result<UnitState> unit = context.world.services.unit(target(), time_for(context, k_look_time));
        if (!unit.ok()) {
            return Readiness{Readiness::Kind::refused, verbatim(unit.error().message)};
        }
        if (unit->active_state == "active") {
            return Readiness{Readiness::Kind::nothing_to_change};
        }
        if (std::optional<Readiness> not_now = why_not_now(*unit, context)) {
            return *std::move(not_now);
        }
        return test_configuration(m_settings, context);
    }

    ActionResult act(const ActionContext& context) const override {
        return do_job(target(), Services::Verb::start, context);
    }

    std::vector<std::string> look_with() const override { return commands_to_look_at(m_settings); }

  private:
    UnitActionSettings m_settings;
};

} // namespace

ActionType start_action_type() {
    return make_action_type<start_schema, Start>("start", Disruptive::yes,
                                                 "starts a unit that is not running");
}

} // namespace lectio

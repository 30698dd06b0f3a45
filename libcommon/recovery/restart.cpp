#include "recovery/restart.h"

#include "checks/unit_words.h"
#include "recovery/unit_action.h"

namespace lectio {
namespace {

constexpr Duration k_look_time{3'000};
// With less than this left, the start after a failed restart would not be seen through.
constexpr Duration k_time_to_start{1'000};

constexpr Phrase k_started_again{"{}; it was left stopped, so it was started: {}",
                                 "{}; юнит остался остановленным, поэтому запустили: {}"};

const Schema<UnitActionSettings>& restart_schema() {
    static const Schema<UnitActionSettings> schema{
        required("unit", &UnitActionSettings::unit, "unit to restart"),
        optional("test", &UnitActionSettings::test,
                 "program that must exit with 0 before the unit is touched: a broken configuration is never "
                 "restarted "
                 "into"),
    };
    return schema;
}

class Restart final : public Action {
  public:
    explicit Restart(UnitActionSettings settings) : m_settings(std::move(settings)) {
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
        return test_configuration(m_settings, context);
    }

    ActionResult act(const ActionContext& context) const override {
        const ActionResult restarted = do_job(target(), Services::Verb::restart, context);
        return restarted.ok ? restarted : never_leave_it_stopped(restarted, context);
    }

    std::vector<std::string> look_with() const override { return commands_to_look_at(m_settings); }

  private:
    // A restart is a stop and a start, and what cut it short may have done so in between. Starting what is
    // stopped is the last thing tried, and it is safe.
    ActionResult never_leave_it_stopped(const ActionResult& restarted, const ActionContext& context) const {
        const Result<UnitState> unit = context.world.services.unit(target(), time_for(context, k_look_time));
        const bool stopped =
            unit.ok() && (unit->active_state == "inactive" || unit->active_state == "failed");
        if (!stopped || context.deadline - context.world.clock.steady() < k_time_to_start) {
            return restarted;
        }
        const ActionResult started = do_job(target(), Services::Verb::start, context);
        return {started.ok, say(k_started_again, restarted.detail, started.detail)};
    }

    UnitActionSettings m_settings;
};

} // namespace

ActionType restart_action_type() {
    return make_action_type<restart_schema, Restart>("restart", Disruptive::yes, "restarts a unit");
}

} // namespace lectio

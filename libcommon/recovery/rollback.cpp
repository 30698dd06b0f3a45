#include "recovery/rollback.h"

#include "recovery/way_back.h"

#include <utility>

namespace lectio {
namespace {

using Part = WayBack::Part;

constexpr Phrase k_nothing_released{
    "[deploy] does not say what is released here, so there is nothing to go back to",
    "в [deploy] не сказано, что здесь выкладывают: возвращаться не к чему"};

struct RollbackSettings {
    Part part = Part::frontend;
};

const Schema<RollbackSettings>& rollback_schema() {
    static const Schema<RollbackSettings> schema{
        required("part", &RollbackSettings::part,
                 "which release is left for the last good one before it: once in an incident, never during a "
                 "deploy, and "
                 "undone when the checks of deploy.gate do not pass then")
            .one_of({{"frontend", Part::frontend}, {"backend", Part::backend}}),
    };
    return schema;
}

class Rollback final : public Action {
  public:
    explicit Rollback(RollbackSettings settings) : m_settings(settings) {}

    std::string target() const override { return m_settings.part == Part::frontend ? "frontend" : "backend"; }

    Readiness look(const ActionContext& context) const override {
        return context.way_back != nullptr ? context.way_back->look(m_settings.part, context)
                                           : Readiness{Readiness::Kind::refused, say(k_nothing_released)};
    }

    ActionResult act(const ActionContext& context) const override {
        return context.way_back != nullptr ? context.way_back->go(m_settings.part, context)
                                           : ActionResult{false, say(k_nothing_released)};
    }

    std::vector<std::string> look_with() const override {
        return {"lectio-deploy status", "lectio-deploy history"};
    }

  private:
    RollbackSettings m_settings;
};

} // namespace

ActionType rollback_action_type() {
    return make_action_type<rollback_schema, Rollback>("rollback", Disruptive::yes,
                                                       "serves the last good release of lectio-deploy again");
}

} // namespace lectio

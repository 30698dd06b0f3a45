#include "recovery/exec.h"

#include "config/complaints.h"
#include "platform/processes.h"
#include "recovery/command.h"
#include "recovery/unit_action.h"

namespace lectio {
namespace {

using namespace std::chrono_literals;

struct ExecActionSettings {
    std::vector<std::string> command;
    std::string user;
    Duration timeout{20'000};
};

const Schema<ExecActionSettings>& exec_schema() {
    static const Schema<ExecActionSettings> schema{
        required("command", &ExecActionSettings::command, "program and its arguments; no shell"),
        optional("user", &ExecActionSettings::user, "run as this user; default: as lectio-health itself")
            .check(user_complaint),
        optional(
            "timeout", &ExecActionSettings::timeout,
            "then the program and what it has started are killed, but for daemons (whose parent has ended)")
            .between(100ms, 10min),
    };
    return schema;
}

class Exec final : public Action {
  public:
    explicit Exec(ExecActionSettings settings) : m_settings(std::move(settings)) {}

    std::string target() const override { return m_settings.command.front(); }

    // What the program would change is known to itself alone, and so is when it last ran.
    Readiness look(const ActionContext& context) const override {
        return context.least_uptime > Duration::zero() ? unproven(target()) : Readiness{};
    }

    ActionResult act(const ActionContext& context) const override {
        ProcessRequest request;
        request.command = m_settings.command;
        request.user = m_settings.user;
        request.timeout = time_for(context, m_settings.timeout);
        CommandOutcome outcome = run_command(context.world, request);
        return {outcome.ok, std::move(outcome.words)};
    }

    // What acts is nothing to look with.
    std::vector<std::string> look_with() const override { return {}; }

  private:
    ExecActionSettings m_settings;
};

} // namespace

ActionType exec_action_type() {
    return make_action_type<exec_schema, Exec>("exec", Disruptive::yes, "runs a program of the operator");
}

} // namespace lectio

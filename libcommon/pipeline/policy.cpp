#include "pipeline/policy.h"

#include "alerts/channels.h"
#include "incidents/key_type.h"
#include "incidents/rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace lectio {

CheckPolicy policy_of(const CheckSettings& check, const CheckType& type, std::string_view tool,
                      const Config& config) {
    CheckPolicy policy{check.name, check.type, type.layer, type.recheck, check.common, {}, {}};
    add_escalations(policy, tool, routes_of(config));
    return policy;
}

void add_escalations(CheckPolicy& policy, std::string_view tool, const std::vector<AlertRoute>& routes) {
    Subject subject;
    subject.check = fmt::format("{}/{}", tool, policy.name);
    subject.key = policy.type == k_key_type ? policy.name : "";
    const auto escalation = [&](Status status) {
        Incident incident;
        incident.status = status;
        incident.severity = policy.common.severity;
        return escalation_after(routes, subject, level_of(incident));
    };
    policy.escalate_critical = escalation(Status::critical);
    policy.escalate_warning = escalation(Status::warning);
}

namespace {

Policy policy_without_checks(std::string tool, const Config& config, const std::string& host) {
    Policy policy;
    policy.tool = std::move(tool);
    policy.host = host;
    policy.remind = config.alerts.remind;
    policy.per_hour = config.alerts.per_hour;
    policy.quiet = config.alerts.quiet;
    policy.digest = config.alerts.digest;
    policy.zone = config.timezone;
    policy.boot_grace = config.health.boot_grace;
    return policy;
}

// A login or a step.
CheckPolicy asking(std::string name, std::string type, const CheckCommon& common,
                   std::vector<std::string> needs, const Config& config) {
    CheckPolicy policy{std::move(name), std::move(type), Layer::application, Recheck::yes, common, {}, {}};
    policy.common.needs = std::move(needs);
    add_escalations(policy, "smoke", routes_of(config));
    return policy;
}

} // namespace

Policy policy_of(const Config& config, const std::string& host) {
    Policy policy = policy_without_checks("health", config, host);
    for (const CheckSettings& check : config.health.checks) {
        const CheckType* type = find_check_type(check.type);
        if (type != nullptr && check.common.enabled && policy.checks.size() < k_most_checks) {
            policy.checks.push_back(policy_of(check, *type, policy.tool, config));
        }
    }
    return policy;
}

std::vector<CheckPolicy> smoke_policies(const Config& config) {
    const SmokeSettings& smoke = config.smoke;
    const std::string connection(k_connection_check);
    std::map<std::string, StepOrder> orders = order_of(smoke);
    std::vector<CheckPolicy> policies{asking(connection, connection, CheckCommon{}, {}, config)};
    policies.front().layer = Layer::web;
    const auto add = [&](const std::string& name, const char* type, const CheckCommon& common,
                         bool on_the_site) {
        std::vector<std::string> needs = std::move(orders[name].needs);
        if (on_the_site) {
            needs.push_back(connection);
        }
        if (common.enabled) {
            policies.push_back(asking(name, type, common, std::move(needs), config));
        }
    };
    for (const LoginSettings& login : smoke.logins) {
        add(check_of_login(login.name), "login", login.common, true);
    }
    for (const StepSettings& step : smoke.steps) {
        add(step.name, "step", step.common, is_on_the_site(step, smoke));
    }
    return policies;
}

Policy smoke_policy_of(const Config& config, const std::string& host) {
    Policy policy = policy_without_checks("smoke", config, host);
    policy.checks = smoke_policies(config);
    policy.checks.resize(std::min(policy.checks.size(), k_most_checks));
    return policy;
}

} // namespace lectio

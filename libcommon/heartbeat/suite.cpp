#include "heartbeat/suite.h"

#include "checks/cron.h"
#include "checks/http_words.h"
#include "operator/desk.h"
#include "platform/ask_now.h"
#include "platform/clock.h"
#include "words/span.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace lectio::heartbeat {
namespace {

using namespace std::chrono_literals;

// Longer than an outage of a chat's server lasts in a usual week.
constexpr Duration k_stuck_after = 10min;
constexpr Duration k_longest_probe = 8s;

constexpr Phrase k_stuck{"messages cannot be delivered for {}: {} waiting",
                         "сообщения не доставляются уже {}; ждут: {}"};
constexpr Phrase k_stuck_because{"messages cannot be delivered for {}: {} waiting; {}",
                                 "сообщения не доставляются уже {}; ждут: {}; {}"};
constexpr Phrase k_channel{"channel {}: {}", "канал {}: {}"};

} // namespace

Text look_at_site(World& world, const HeartbeatSettings& settings, SteadyTime until) {
    if (settings.probe.empty()) {
        return {};
    }
    HttpRequest request;
    request.url = settings.probe;
    request.timeout = std::min(k_longest_probe, std::chrono::floor<Duration>(until - world.clock.steady()));
    const HttpAnswer answer = ask_now(world.http, world.clock, request, until);
    if (const std::optional<CheckResult> failure = http_failure(answer, request)) {
        return failure->message;
    }
    const std::optional<CheckResult> wrong = wrong_status(answer, StatusSet());
    return wrong ? wrong->message : Text{};
}

std::vector<Text> look_at_suite(World& world, const Config& config, Delivery& delivery,
                                std::map<std::string, std::string>& awaited) {
    std::vector<Text> troubles;
    const CronSettings expected{config.heartbeat.tools};
    const CheckResult ran = evaluate_cron(look_at_tools(expected, config.paths.state, world.files), expected,
                                          world.clock.now(), awaited);
    awaited = ran.memory;
    if (ran.status != Status::ok) {
        troubles.push_back(ran.message);
    }
    const Delivery::Backlog backlog = delivery.backlog();
    const Duration oldest = backlog.since ? world.clock.now().wall - *backlog.since : Duration::zero();
    if (backlog.waiting > backlog.kept && oldest >= k_stuck_after) {
        const Text since = span_of(std::chrono::floor<std::chrono::seconds>(oldest).count());
        const Text why = delivery.why_waiting();
        const int waiting = backlog.waiting - backlog.kept;
        troubles.push_back(why.empty() ? say(k_stuck, since, waiting)
                                       : say(k_stuck_because, since, waiting, why));
    }
    for (const ChannelProblem& problem : delivery.problems()) {
        if (problem.needs_person) {
            troubles.push_back(say(k_channel, problem.channel, problem.message));
        }
    }
    return troubles;
}

bool has_operator_been_told(World& world, const Config& config, Delivery& delivery) {
    const Delivery::Backlog backlog = delivery.backlog();
    if (backlog.waiting > backlog.kept) {
        return false;
    }
    // What a backup or a script has told, under a key of its own, says nothing of the site.
    const auto is_of_the_site = [](const OpenIncident& incident) {
        return incident.key.empty() &&
               (incident.check.starts_with("health/") || incident.check.starts_with("smoke/"));
    };
    const std::vector<OpenIncident> open = Desk(world, config, {}).incidents();
    return std::any_of(open.begin(), open.end(), [&](const OpenIncident& incident) {
        return incident.told && incident.level == Status::critical && is_of_the_site(incident);
    });
}

} // namespace lectio::heartbeat

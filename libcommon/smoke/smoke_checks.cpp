#include "smoke/smoke_checks.h"

#include <algorithm>
#include <set>
#include <utility>

namespace lectio {
namespace {

class SmokeCheck final : public AsyncCheck {
  public:
    SmokeCheck(std::shared_ptr<Trip> trip, std::string name)
        : m_trip(std::move(trip)), m_name(std::move(name)) {}

    Task<CheckResult> run(const CheckContext& context) const override {
        return context.recheck ? m_trip->second(context.world, m_name).result_and_clean_up(m_name)
                               : m_trip->first(context.world).result_of(m_name);
    }

  private:
    std::shared_ptr<Trip> m_trip;
    std::string m_name;
};

// The names, and what they need, straight or around corners.
std::set<std::string> with_needs(const std::map<std::string, StepOrder>& orders,
                                 const std::vector<std::string>& names) {
    std::set<std::string> all;
    std::vector<std::string> open = names;
    while (!open.empty()) {
        const std::string name = std::move(open.back());
        open.pop_back();
        const auto order = orders.find(name);
        if (all.insert(name).second && order != orders.end()) {
            open.insert(open.end(), order->second.needs.begin(), order->second.needs.end());
        }
    }
    return all;
}

} // namespace

Walk& Trip::first(World world) {
    if (m_walks.empty()) {
        m_walks.push_back(std::make_shared<Walk>(m_settings, world.http, world.clock));
    }
    return *m_walks.front();
}

Walk& Trip::second(World world, const std::string& name) {
    const Walk& before = m_walks.empty() ? first(world) : *m_walks.back();
    if (m_walks.size() < 2 || before.was_asked_for(name)) {
        m_walks.push_back(before.again());
    }
    return *m_walks.back();
}

const Walk* Trip::last_of(const std::string& name) const {
    const auto walk = std::find_if(m_walks.rbegin(), m_walks.rend(),
                                   [&](const auto& each) { return each->was_asked_for(name); });
    return walk == m_walks.rend() ? nullptr : walk->get();
}

std::string Trip::cause_of(const std::string& name) const {
    return m_walks.size() < 2 ? "" : m_walks.back()->cause_of(name);
}

std::optional<CheckResult> Trip::last_result(const std::string& name) const {
    return m_walks.empty() ? std::nullopt : m_walks.back()->known_result(name);
}

// The last first: it goes on with what the one before has made.
bool Trip::clean_up(World world, SteadyTime until) {
    std::set<std::string> removed;
    std::for_each(m_walks.rbegin(), m_walks.rend(), [&](const auto& walk) { walk->begin_clean_up(removed); });
    const auto is_cleaning_up = [&] {
        return std::any_of(m_walks.begin(), m_walks.end(),
                           [](const auto& walk) { return walk->is_cleaning_up(); });
    };
    const bool has_begun = is_cleaning_up();
    while (is_cleaning_up() && world.clock.steady() < until) {
        world.http.poll(std::chrono::ceil<Duration>(until - world.clock.steady()));
    }
    return has_begun;
}

std::shared_ptr<const Check> smoke_check(std::shared_ptr<Trip> trip, std::string name) {
    return std::make_shared<SmokeCheck>(std::move(trip), std::move(name));
}

std::vector<std::string> with_companions(const SmokeSettings& smoke, const std::vector<std::string>& names) {
    std::set<std::string> asked = with_needs(order_of(smoke), names);
    asked.erase(std::string(k_connection_check)); // it comes along with everything
    const std::map<std::string, std::string> savers = savers_of(smoke);
    std::vector<std::string> all(asked.begin(), asked.end());
    all.emplace_back(k_connection_check);
    for (const StepSettings& step : smoke.steps) {
        const std::vector<UsedValue> used = values_used(step);
        const bool cleans = step.always && std::any_of(used.begin(), used.end(), [&](const UsedValue& value) {
                                const auto saver = savers.find(value.name);
                                return saver != savers.end() && asked.contains(saver->second);
                            });
        if (cleans && !asked.contains(step.name)) {
            all.push_back(step.name);
        }
    }
    return all;
}

} // namespace lectio

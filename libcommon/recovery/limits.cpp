#include "recovery/limits.h"

#include "store/kept_json.h"
#include "util/json_members.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Duration k_hour = std::chrono::hours(1);
// Beyond these a state file is not ours; they only keep arithmetic and memory within bounds.
constexpr int k_most_attempts = 1'000'000;
constexpr std::size_t k_most_actions = 1'000;

// The cooldown after the `failures`-th useless attempt beyond the limit: 5, 10, 20, 40, 60, 60 … minutes.
Duration grown_cooldown(Duration cooldown, int beyond) {
    const Duration longest = std::max(cooldown, k_hour);
    for (int i = 0; i < beyond && cooldown < longest; ++i) {
        cooldown = std::min(cooldown * 2, longest);
    }
    return cooldown;
}

Duration wait_after(int failed, const RecoveryLimits& limits) {
    if (failed >= limits.attempts) {
        return grown_cooldown(limits.cooldown, failed - limits.attempts);
    }
    if (limits.waits.empty()) {
        return Duration::zero();
    }
    const std::size_t last = limits.waits.size() - 1;
    return limits.waits[std::min(static_cast<std::size_t>(failed - 1), last)];
}

// The same instant, told by the clocks of this boot: from then on a wall clock that is set changes nothing. A
// time that cannot be before `now` becomes `now` (elapsed() is 0), and so a wait begins once more instead of
// lasting until a date in the future. Boot time is negative for what was before the boot.
Now by_this_boot(const Now& time, const Now& now) {
    const Duration age = elapsed(time, now);
    return Now{now.wall - age, now.boot - age, now.boot_id};
}

std::optional<Attempts> attempts_from(const Json& object) {
    if (!object.is_object()) {
        return std::nullopt;
    }
    Attempts attempts;
    attempts.failed =
        static_cast<int>(std::clamp<std::int64_t>(integer_of(object, "failed"), 0, k_most_attempts));
    // Without its time an attempt counts as just made: current_state() takes care of a time that cannot be.
    attempts.last = now_of(object_of(object, "last")).value_or(Now{});
    attempts.gave_up = flag_of(object, "gave_up");
    attempts.waited =
        static_cast<int>(std::clamp<std::int64_t>(integer_of(object, "waited"), 0, k_most_attempts));
    attempts.good_since = now_of(object_of(object, "good_since"));
    const bool says_something = attempts.failed > 0 || attempts.gave_up || attempts.waited > 0;
    return says_something ? std::optional(attempts) : std::nullopt;
}

} // namespace

Turn turn_of(const Attempts& attempts, const RecoveryLimits& limits, const Now& now) {
    if (attempts.failed <= 0) {
        return Turn{};
    }
    const Duration wait = wait_after(attempts.failed, limits);
    return Turn{attempts.failed + 1, std::max(Duration::zero(), wait - elapsed(attempts.last, now))};
}

Duration until_disruptive(const RecoveryState& state, const RecoveryLimits& limits, const Now& now) {
    if (limits.per_hour <= 0) {
        return k_hour;
    }
    std::vector<Duration> ages;
    for (const Now& action : state.disruptive) {
        if (const Duration age = elapsed(action, now); age < k_hour) {
            ages.push_back(age);
        }
    }
    const auto allowed = static_cast<std::size_t>(limits.per_hour);
    if (ages.size() < allowed) {
        return Duration::zero();
    }
    // Enough of them must be an hour old: the `allowed`-th youngest is the one to wait for.
    std::sort(ages.begin(), ages.end());
    return k_hour - ages[allowed - 1];
}

RecoveryState current_state(RecoveryState state, const Now& now) {
    for (auto& [check, attempts] : state.roots) {
        attempts.last = by_this_boot(attempts.last, now);
        if (attempts.good_since) {
            attempts.good_since = by_this_boot(*attempts.good_since, now);
        }
    }
    for (Now& action : state.disruptive) {
        action = by_this_boot(action, now);
    }
    std::erase_if(state.disruptive, [&](const Now& action) { return elapsed(action, now) >= k_hour; });
    return state;
}

void note_disruptive(RecoveryState& state, const Now& now) {
    state.disruptive.push_back(now);
}

void note_success(RecoveryState& state, std::string_view check, const RecoveryLimits& limits,
                  const Now& now) {
    const auto found = state.roots.find(std::string(check));
    if (found == state.roots.end()) {
        return;
    }
    std::optional<Now>& good_since = found->second.good_since;
    good_since = good_since.value_or(now);
    if (elapsed(*good_since, now) >= limits.cooldown) {
        state.roots.erase(found);
    }
}

void note_fall(RecoveryState& state, std::string_view check) {
    if (const auto found = state.roots.find(std::string(check)); found != state.roots.end()) {
        found->second.good_since.reset();
    }
}

void note_attempt(RecoveryState& state, const std::string& check, const Now& now) {
    Attempts& attempts = state.roots[check];
    attempts.failed = std::min(attempts.failed + 1, k_most_attempts);
    attempts.last = now;
    attempts.good_since.reset();
}

bool waited_too_often(RecoveryState& state, const std::string& check, const RecoveryLimits& limits,
                      const Now& now) {
    Attempts& attempts = state.roots.try_emplace(check, Attempts{0, now, false}).first->second;
    attempts.waited = std::min(attempts.waited + 1, k_most_attempts);
    attempts.good_since.reset();
    return attempts.waited >= limits.attempts;
}

bool owes_a_call(const Attempts& attempts, const RecoveryLimits& limits) {
    return !attempts.gave_up && attempts.failed > 0 && attempts.failed >= limits.attempts;
}

bool give_up(RecoveryState& state, const std::string& check, const RecoveryLimits& limits) {
    const auto found = state.roots.find(check);
    if (found == state.roots.end() || !owes_a_call(found->second, limits)) {
        return false;
    }
    found->second.gave_up = true;
    return true;
}

bool call_person(RecoveryState& state, const std::string& check, const Now& now) {
    Attempts& attempts = state.roots.try_emplace(check, Attempts{0, now, false}).first->second;
    return !std::exchange(attempts.gave_up, true);
}

void forget_all_but(RecoveryState& state, const std::vector<std::string>& configured) {
    std::erase_if(state.roots, [&](const auto& root) {
        return std::find(configured.begin(), configured.end(), root.first) == configured.end();
    });
}

std::string write_recovery_state(const RecoveryState& state) {
    Json roots = Json::object();
    for (const auto& [check, attempts] : state.roots) {
        Json object{
            {"failed", attempts.failed}, {"last", json_of(attempts.last)}, {"gave_up", attempts.gave_up}};
        if (attempts.waited > 0) {
            object["waited"] = attempts.waited;
        }
        if (attempts.good_since) {
            object["good_since"] = json_of(*attempts.good_since);
        }
        roots[check] = std::move(object);
    }
    Json disruptive = Json::array();
    for (const Now& action : state.disruptive) {
        disruptive.push_back(json_of(action));
    }
    return Json{{"roots", std::move(roots)}, {"disruptive", std::move(disruptive)}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
}

RecoveryState read_recovery_state(std::string_view text) {
    RecoveryState state;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        return state;
    }
    if (const auto roots = json.find("roots"); roots != json.end() && roots->is_object()) {
        for (const auto& [check, object] : roots->items()) {
            if (const std::optional<Attempts> attempts = attempts_from(object)) {
                state.roots.emplace(check, *attempts);
            }
        }
    }
    if (const auto actions = json.find("disruptive"); actions != json.end() && actions->is_array()) {
        for (const Json& action : *actions) {
            const std::optional<Now> time = now_of(action);
            if (time && state.disruptive.size() < k_most_actions) {
                state.disruptive.push_back(*time);
            }
        }
    }
    return state;
}

} // namespace lectio

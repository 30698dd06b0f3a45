#include "recovery/limits.h"

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

Json to_json(const Now& time) {
    return Json{{"wall_ms", time.wall.time_since_epoch().count()},
                {"boot_ms", time.boot.count()},
                {"boot_id", time.boot_id}};
}

std::int64_t integer_or_zero(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// Bounded, because differences of times out of a damaged file must not overflow.
std::optional<Now> now_from(const Json& object) {
    constexpr std::int64_t k_latest_ms = 253'402'300'800'000; // the year 10000
    if (!object.is_object() || integer_or_zero(object, "wall_ms") <= 0) {
        return std::nullopt;
    }
    Now time;
    time.wall = WallTime(Duration(std::min(integer_or_zero(object, "wall_ms"), k_latest_ms)));
    time.boot =
        Duration(std::clamp<std::int64_t>(integer_or_zero(object, "boot_ms"), -k_latest_ms, k_latest_ms));
    const auto boot_id = object.find("boot_id");
    if (boot_id != object.end() && boot_id->is_string()) {
        time.boot_id = boot_id->get<std::string>();
    }
    return time;
}

std::optional<Attempts> attempts_from(const Json& object) {
    if (!object.is_object()) {
        return std::nullopt;
    }
    Attempts attempts;
    attempts.failed =
        static_cast<int>(std::clamp<std::int64_t>(integer_or_zero(object, "failed"), 0, k_most_attempts));
    const auto last = object.find("last");
    // Without its time an attempt counts as just made: current_state() takes care of a time that cannot be.
    attempts.last = (last != object.end() ? now_from(*last) : std::nullopt).value_or(Now{});
    const auto gave_up = object.find("gave_up");
    attempts.gave_up = gave_up != object.end() && gave_up->is_boolean() && gave_up->get<bool>();
    return attempts.failed > 0 || attempts.gave_up ? std::optional(attempts) : std::nullopt;
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

void note_success(RecoveryState& state, std::string_view check) {
    state.roots.erase(std::string(check));
}

void note_attempt(RecoveryState& state, const std::string& check, const Now& now) {
    Attempts& attempts = state.roots[check];
    attempts.failed = std::min(attempts.failed + 1, k_most_attempts);
    attempts.last = now;
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
        roots[check] = Json{
            {"failed", attempts.failed}, {"last", to_json(attempts.last)}, {"gave_up", attempts.gave_up}};
    }
    Json disruptive = Json::array();
    for (const Now& action : state.disruptive) {
        disruptive.push_back(to_json(action));
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
            const std::optional<Now> time = now_from(action);
            if (time && state.disruptive.size() < k_most_actions) {
                state.disruptive.push_back(*time);
            }
        }
    }
    return state;
}

} // namespace lectio

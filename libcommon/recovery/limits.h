// When the healer may act: pure decisions over what is remembered of earlier attempts (CONTRACT 16).
//
// Nothing here acts, waits or reads a clock, so that every rule is tested with made-up time and random
// histories. A restart loop is the worst thing a healer can do; these functions are what stands between it
// and the host.
#pragma once

#include "config/config.h"
#include "platform/clock.h"
#include "util/units.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

// attempts, cooldown, waits, per_hour: [health.limits].
using RecoveryLimits = LimitSettings;

// The attempts for one root cause since it was last good for long enough to call that a success.
struct Attempts {
    int failed = 0;       // in a row that did not help
    Now last;             // when the last of them ended
    bool gave_up = false; // a person has been called: once for each row of attempts, even an empty one
    int waited =
        0; // runs that could not act: they waited for what systemd starts itself, or had no time left
    std::optional<Now> good_since{}; // seen good in every look since then
    bool operator==(const Attempts&) const = default;
};

// What the healer remembers from run to run; it survives reboots. Serialised by write_recovery_state().
struct RecoveryState {
    std::map<std::string, Attempts> roots; // by name of the check
    std::vector<Now> disruptive;           // actions of the last hour, oldest first
    bool operator==(const RecoveryState&) const = default;
};

// Is it this root cause's turn?
struct Turn {
    int attempt = 1; // the number that the next attempt has
    Duration left{}; // time to wait until then; 0: now
    [[nodiscard]] bool now() const { return left == Duration::zero(); }
};
Turn turn_of(const Attempts& attempts, const RecoveryLimits& limits, const Now& now);

// Time until one more disruptive action keeps within per_hour; 0: now. With per_hour = 0, which forbids them,
// always an hour.
Duration until_disruptive(const RecoveryState& state, const RecoveryLimits& limits, const Now& now);

// The state at the start of a run: what is over an hour old is dropped, and times are told by the clocks of
// this boot. Times that cannot be (the wall clock was ahead before the reboot) count as now, because
// otherwise such a time would silence the healer until it is reached.
RecoveryState current_state(RecoveryState state, const Now& now);

// A disruptive action is about to be done.
void note_disruptive(RecoveryState& state, const Now& now);
// The check was seen good: the only thing that ends a row of attempts, and only once it has lasted `cooldown`. What
// falls within that goes on counting: a service that comes up for a minute between two falls was not mended.
void note_success(RecoveryState& state, std::string_view check, const RecoveryLimits& limits, const Now& now);
// It was seen failing: to be good begins anew.
void note_fall(RecoveryState& state, std::string_view check);
// A pass of the ladder for this root cause did not help, or was begun and nobody knows how it ended.
void note_attempt(RecoveryState& state, const std::string& check, const Now& now);
// True once in a row of attempts: the limit is reached and a person is to be called.
bool give_up(RecoveryState& state, const std::string& check, const RecoveryLimits& limits);
// True where give_up() was due in an earlier run and that run did not live to say so: the action may have ended it
// (a restart of cron, of this host), and it would end each run that acts before it calls.
bool owes_a_call(const Attempts& attempts, const RecoveryLimits& limits);
// A person is needed for another reason than useless attempts: true once until the check is seen good, and not
// when give_up() has called already.
bool call_person(RecoveryState& state, const std::string& check, const Now& now);
// A run waited in vain for what systemd is starting itself, or was over before it could act, which is no attempt: it
// has done nothing. True once it has been so often that a person is to be called.
bool waited_too_often(RecoveryState& state, const std::string& check, const RecoveryLimits& limits,
                      const Now& now);
// Checks that are no longer configured are forgotten.
void forget_all_but(RecoveryState& state, const std::vector<std::string>& configured);

// One JSON object, for the state file. Reading takes what it can: a part that is missing or malformed is as
// if it had never been written, so that damage never stops the healer.
std::string write_recovery_state(const RecoveryState& state);
RecoveryState read_recovery_state(std::string_view json);

} // namespace lectio

// The gate on the live site: what must pass after a swap, or the previous release comes back (CONTRACT 29).
//
// Pure over LiveGate and Clock; configured_gate.h is the gate that the configuration describes. Why it is as it is:
// docs/decisions/0024-gates-of-a-release.md.
#pragma once

#include "checks/check.h"
#include "config/deploy.h"
#include "platform/clock.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::release {

// One check as a report has it.
struct Seen {
    std::string name; // "api" of health, "deepcheck/nginx", "smoke/login-teacher"
    Status status = Status::unknown;
    Text message;
    Text hint{};
};

// Everything that was asked at once.
struct Look {
    std::vector<Seen> checks;
};

// Nothing is critical and nothing unknown: what could not be seen is not good. A warning passes, and what was skipped
// stands behind something that is judged itself. Of no checks: false.
bool passes(const Look& look);
// What does not pass, the worst first: "api: HTTP 502, expected 200; page: …". Empty: all passes.
Text words_of_failures(const Look& look);
// What passes with a warning, in the same form.
Text words_of_warnings(const Look& look);
// The hint of the first failure.
Text hint_of_failures(const Look& look);

class LiveGate {
  public:
    virtual ~LiveGate() = default;
    // From here on what visitors get is held against what they got until now.
    virtual void begin_to_count() {}
    // What they got since then is not counted: a page told them to wait. The share before stays what it was.
    virtual void count_again() {}
    // Why too many of their answers since then are errors (gate.errors); nothing: they are not, or nobody can say.
    virtual std::optional<Text> too_many_errors() { return std::nullopt; }
    [[nodiscard]] virtual bool has_checks() const = 0;
    [[nodiscard]] virtual bool has_walk() const = 0;
    // Of all that is asked, as in Seen.
    [[nodiscard]] virtual std::vector<std::string> names() const = 0;
    // The checks, once each; what has not answered by `until` (Clock::steady()) is unknown.
    virtual Look look(SteadyTime until) = 0;
    // A walk of lectio-smoke, with the second look that it gives what has failed; within smoke.deadline.
    virtual Look walk() = 0;
    // Why a visitor does not get status 503 and a page with this text instead of the site; nothing: he does. Asked again
    // until `until`: a web server may look for the page some time after it was put there.
    virtual std::optional<Text> unseen_page(std::string_view text, SteadyTime until) = 0;
};

struct Verdict {
    enum class Outcome {
        passed,
        failed,       // also: not seen to pass in time
        stopped,      // the process is to end (platform/stop.h): nothing is known
        asks_nothing, // there is nothing to ask, so nothing is proven
    };
    Outcome outcome = Outcome::asks_nothing;
    Look last{}; // the one that decided it
    int looks = 0;
    Duration took{};
};

// After so many failed looks in a row waiting longer only serves what is broken. 0: waits as long as `within` allows.
struct Patience {
    int failed_looks = 0;
};
constexpr Patience k_files_patience{2}; // files do not start up: what fails twice is broken
constexpr Patience k_start_patience{0}; // a service that starts may need its time

// `settings.passes` looks in a row that pass, a second apart and all within `settings.within`, and then the walk. Ends as
// soon as that cannot be reached any more.
Verdict watch(LiveGate& gate, const GateSettings& settings, Clock& clock, Patience patience);

// The live site before anything is done: one look, and a second one after a second where it does not pass (CONTRACT 14).
// Without the walk: nothing is sent twice for one release.
Verdict look_before(LiveGate& gate, const GateSettings& settings, Clock& clock);

// With --force on a site that was red before (CONTRACT 29): nothing that passed before fails after, and nothing that
// failed is worse. What was not looked at before counts as having passed.
bool not_worse(const Look& before, const Look& after);

} // namespace lectio::release

#include "release/live_gate.h"

#include "platform/stop.h"

#include <algorithm>
#include <cstddef>

namespace lectio::release {
namespace {

using namespace std::chrono_literals;

constexpr Duration k_apart{1000};
constexpr std::size_t k_most_told = 5;

constexpr Phrase k_of_check{"{}: {}", "{}: {}"};
constexpr Phrase k_and_more{"and {} more", "и ещё {}"};

bool fails(Status status) {
    return status == Status::critical || status == Status::unknown;
}

// ok, warning and skipped; unknown; critical.
int badness(Status status) {
    return status == Status::critical ? 2 : status == Status::unknown ? 1 : 0;
}

std::vector<Seen> worst_first(std::vector<Seen> checks) {
    std::stable_sort(checks.begin(), checks.end(), [](const Seen& one, const Seen& other) {
        return badness(one.status) > badness(other.status);
    });
    return checks;
}

template<class Chosen>
std::vector<Seen> those(const Look& look, const Chosen& chosen) {
    std::vector<Seen> found;
    std::copy_if(look.checks.begin(), look.checks.end(), std::back_inserter(found),
                 [&](const Seen& seen) { return chosen(seen.status); });
    return worst_first(std::move(found));
}

Text words_of(const std::vector<Seen>& checks) {
    Text words;
    for (std::size_t i = 0; i < std::min(checks.size(), k_most_told); ++i) {
        const Text one = say(k_of_check, checks[i].name, checks[i].message);
        words = words.empty() ? one : join("; ", {words, one});
    }
    return checks.size() <= k_most_told ? words
                                        : join("; ", {words, say(k_and_more, checks.size() - k_most_told)});
}

// One gate from its first look to its verdict.
class Watch {
  public:
    Watch(LiveGate& gate, const GateSettings& settings, Clock& clock, Patience patience)
        : m_gate(gate), m_settings(settings), m_clock(clock), m_patience(patience), m_start(clock.steady()),
          m_end(m_start + settings.within) {}

    Verdict run() {
        if (m_gate.has_checks()) {
            watch_checks();
        } else {
            m_verdict.outcome = m_gate.has_walk() ? Verdict::Outcome::passed : Verdict::Outcome::asks_nothing;
        }
        if (m_verdict.outcome == Verdict::Outcome::passed && m_gate.has_walk()) {
            walk();
        }
        m_verdict.took = std::chrono::duration_cast<Duration>(m_clock.steady() - m_start);
        return m_verdict;
    }

  private:
    void watch_checks() {
        m_verdict.outcome = Verdict::Outcome::failed;
        for (int passed = 0, failed = 0; is_reachable(passed);) {
            m_verdict.last = m_gate.look(m_end);
            ++m_verdict.looks;
            if (stopped()) {
                return;
            }
            const bool good = passes(m_verdict.last);
            passed = good ? passed + 1 : 0;
            failed = good ? 0 : failed + 1;
            if (passed == m_settings.passes) {
                m_verdict.outcome = Verdict::Outcome::passed;
                return;
            }
            if (failed > 0 && failed == m_patience.failed_looks) {
                return;
            }
            if (!is_reachable(passed, k_apart)) {
                return;
            }
            sleep_unless_stopped(m_clock, m_clock.steady() + k_apart);
            if (stopped()) {
                return;
            }
        }
    }

    // So many passes are there; the rest still fit in, if they took no time and the first of them were `after` now.
    [[nodiscard]] bool is_reachable(int passed, Duration after = 0ms) const {
        const Duration rest = k_apart * std::max(m_settings.passes - passed - 1, 0);
        return m_clock.steady() + after + rest <= m_end;
    }

    bool stopped() {
        if (stop_requested()) {
            m_verdict.outcome = Verdict::Outcome::stopped;
        }
        return stop_requested();
    }

    void walk() {
        m_verdict.last = m_gate.walk();
        m_verdict.outcome = passes(m_verdict.last) ? Verdict::Outcome::passed : Verdict::Outcome::failed;
        stopped();
    }

    LiveGate& m_gate;
    const GateSettings& m_settings;
    Clock& m_clock;
    Patience m_patience;
    SteadyTime m_start, m_end;
    Verdict m_verdict;
};

} // namespace

bool passes(const Look& look) {
    return !look.checks.empty() && std::none_of(look.checks.begin(), look.checks.end(),
                                                [](const Seen& seen) { return fails(seen.status); });
}

Text words_of_failures(const Look& look) {
    return words_of(those(look, fails));
}

Text words_of_warnings(const Look& look) {
    return words_of(those(look, [](Status status) { return status == Status::warning; }));
}

Text hint_of_failures(const Look& look) {
    const std::vector<Seen> failed = those(look, fails);
    return failed.empty() ? Text{} : failed.front().hint;
}

Verdict watch(LiveGate& gate, const GateSettings& settings, Clock& clock, Patience patience) {
    return Watch(gate, settings, clock, patience).run();
}

Verdict look_before(LiveGate& gate, const GateSettings& settings, Clock& clock) {
    Verdict verdict;
    if (!gate.has_checks()) {
        return verdict;
    }
    const SteadyTime start = clock.steady();
    const SteadyTime end = start + settings.within;
    const auto once = [&] {
        verdict.last = gate.look(end);
        ++verdict.looks;
        verdict.outcome = stop_requested()       ? Verdict::Outcome::stopped
                          : passes(verdict.last) ? Verdict::Outcome::passed
                                                 : Verdict::Outcome::failed;
    };
    once();
    if (verdict.outcome == Verdict::Outcome::failed && clock.steady() + k_apart <= end) {
        sleep_unless_stopped(clock, clock.steady() + k_apart);
        once();
    }
    verdict.took = std::chrono::duration_cast<Duration>(clock.steady() - start);
    return verdict;
}

bool not_worse(const Look& before, const Look& after) {
    const auto was = [&](const std::string& name) {
        const auto found = std::find_if(before.checks.begin(), before.checks.end(),
                                        [&](const Seen& seen) { return seen.name == name; });
        return found == before.checks.end() ? Status::ok : found->status;
    };
    return std::all_of(after.checks.begin(), after.checks.end(), [&](const Seen& seen) {
        if (seen.status == Status::unknown) { // what cannot be seen now may be worse than what was seen then
            return was(seen.name) == Status::unknown;
        }
        return badness(seen.status) <= badness(was(seen.name));
    });
}

} // namespace lectio::release

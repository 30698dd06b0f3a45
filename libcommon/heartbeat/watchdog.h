// When a server counts as answering, for systemd's watchdog. Pure.
#pragma once

#include "platform/clock.h"
#include "platform/http.h"
#include "util/units.h"

namespace lectio::heartbeat {

struct WatchdogRules {
    Duration every{10'000};        // between the beginnings of two probes
    Duration timeout{10'000};      // of one
    int fails = 3;                 // so many in a row: it hangs
    Duration start_period{60'000}; // after its start, in which none counts as long as it has never answered
};

// What a probe says of the server.
enum class Heard {
    answer, // any whole answer: a page of errors comes from a server that lives, and a restart mends no database
    silence, // refused, cut off, too late; or a proxy says so: 502, 504 (RFC 9110, 15.6.3 and 15.6.5)
    unknown, // we could not ask: no such name, no way there, no certificate to our taste, no descriptors
};
Heard heard(const HttpAnswer& answer);

class Watchdog {
  public:
    Watchdog(const WatchdogRules& rules, SteadyTime started) : m_rules(rules), m_started(started) {}

    void take(Heard heard); // what was heard of a probe that is over

    [[nodiscard]] bool is_alive(SteadyTime now) const;
    [[nodiscard]] bool has_answered() const { return m_has_answered; }
    [[nodiscard]] int failed() const { return m_failed; } // probes in a row

  private:
    WatchdogRules m_rules;
    SteadyTime m_started;
    bool m_has_answered = false;
    int m_failed = 0;
};

} // namespace lectio::heartbeat

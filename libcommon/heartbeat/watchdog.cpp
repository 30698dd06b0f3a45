#include "heartbeat/watchdog.h"

namespace lectio::heartbeat {

Heard heard(const HttpAnswer& answer) {
    using Failure = HttpAnswer::Failure;
    constexpr int k_bad_gateway = 502, k_gateway_timeout = 504;
    switch (answer.failure) {
    case Failure::none:
    case Failure::too_large:
    case Failure::headers_too_large:
    case Failure::redirects:
        return answer.status == k_bad_gateway || answer.status == k_gateway_timeout ? Heard::silence
                                                                                    : Heard::answer;
    case Failure::refused:
    case Failure::timeout:
    case Failure::closed:
    case Failure::not_http:
        return Heard::silence;
    case Failure::bad_url:
    case Failure::dns:
    case Failure::dns_timeout:
    case Failure::unreachable:
    case Failure::tls:
    case Failure::own_fault:
    case Failure::other:
        break;
    }
    return Heard::unknown;
}

void Watchdog::take(Heard heard) {
    if (heard == Heard::silence) {
        ++m_failed;
        return;
    }
    m_failed = 0; // also where we cannot tell: nobody is restarted for what is wrong with us
    m_has_answered = m_has_answered || heard == Heard::answer;
}

bool Watchdog::is_alive(SteadyTime now) const {
    const bool may_still_start = !m_has_answered && now < m_started + m_rules.start_period;
    return may_still_start || m_failed < m_rules.fails;
}

} // namespace lectio::heartbeat

// A set of signals, as sigprocmask(2) and sigwait(3) take it.
#pragma once

#include <csignal>
#include <initializer_list>
#include <span>

namespace lectio {

sigset_t signal_set(std::span<const int> signals);
inline sigset_t signal_set(std::initializer_list<int> signals) {
    return signal_set(std::span(signals.begin(), signals.size()));
}

} // namespace lectio

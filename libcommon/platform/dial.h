// dial: a TCP connection by a deadline, for probes that talk to their peer by themselves.
#pragma once

#include "platform/clock.h"
#include "util/unique_fd.h"

#include <string>

namespace lectio {

// What came of it. That nobody answers is news about the peer, not an Error of ours (util/result.h).
struct Dialled {
    enum class Failure {
        none,
        name, // the address's host is not found
        refused,
        unreachable, // no route: the cause is outside this host
        timeout,
    };
    Failure failure = Failure::none;
    UniqueFd fd;        // non-blocking; valid only without failure
    std::string detail; // the system's words for the failure
};

// The same failure in a probe's own enum, which has these words and more of its own.
template<class Failure>
Failure failure_as(Dialled::Failure failure) {
    switch (failure) {
    case Dialled::Failure::none:
        return Failure::none;
    case Dialled::Failure::name:
        return Failure::name;
    case Dialled::Failure::refused:
        return Failure::refused;
    case Dialled::Failure::unreachable:
        return Failure::unreachable;
    case Dialled::Failure::timeout:
        return Failure::timeout;
    }
    return Failure::refused;
}

// `address`: "host:port", "[::1]:443", the port a number. Every address of the name is tried, each with its
// share of the time. Blocks until the deadline at most, but for the lookup of the name: for a thread that can
// be left behind (BlockingCheck). connect(2): EINPROGRESS.
Dialled dial(const std::string& address, SteadyTime deadline);

// Waits until `fd` is ready for `events` (poll(2)); false when the deadline has passed.
bool wait_until_ready(int fd, short events, SteadyTime deadline);

} // namespace lectio

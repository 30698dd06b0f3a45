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
        own_fault, // nobody could be asked: no descriptors, memory, ports or rights left here
    };
    Failure failure = Failure::none;
    UniqueFd fd;        // non-blocking; valid only without failure
    std::string detail; // the system's words for the failure, without the address
};

// What an errno of connect(2) says of the way there; what is neither of the way nor of this host is `refused`.
Dialled::Failure failure_to_connect(int error_number);

// The same failure in another enum, which has these words and more of its own.
template<class Failure>
Failure failure_as(Dialled::Failure failure) {
    switch (failure) {
    case Dialled::Failure::none:
        return Failure::none;
    case Dialled::Failure::name:
        if constexpr (requires { Failure::name; }) {
            return Failure::name;
        } else {
            return Failure::dns;
        }
    case Dialled::Failure::refused:
        return Failure::refused;
    case Dialled::Failure::unreachable:
        return Failure::unreachable;
    case Dialled::Failure::timeout:
        return Failure::timeout;
    case Dialled::Failure::own_fault:
        break;
    }
    return Failure::own_fault;
}

// `address`: "host:port", "[::1]:443", the port a number. Every address of the name is tried, each with its
// share of the time; what one of them did is told before what we could not do. Blocks until the deadline at
// most. connect(2): EINPROGRESS.
Dialled dial(const std::string& address, SteadyTime deadline);

// An errno of a socket that says something of this host and nothing of the peer.
bool is_own_fault(int error_number);

// Waits until `fd` is ready for `events` (poll(2)); false when the deadline has passed.
bool wait_until_ready(int fd, short events, SteadyTime deadline);

} // namespace lectio

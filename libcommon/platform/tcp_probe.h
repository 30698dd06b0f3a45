// tcp_probe: connects, says something if asked to, and reads until what is expected has come.
#pragma once

#include "platform/clock.h"
#include "util/secret.h"

#include <string>

namespace lectio {

constexpr Bytes k_most_tcp_answer = 64_kB; // more is not read

struct TcpQuestion {
    std::string address;    // "host:port", "[::1]:25"
    Secret send;            // as it is, once connected; empty: nothing
    std::string expect;     // read until this has come; empty: nothing is read
    Duration timeout{5000}; // everything
};

struct TcpSample {
    enum class Failure {
        none,
        name, // the address's host is not found
        refused,
        unreachable, // no route: the cause is outside this host
        timeout,
        own_fault, // nobody could be asked: no descriptors, memory, ports or rights left here
        broken,    // connected, then reset by the peer
    };
    enum class Phase { connecting, sending, reading };
    Failure failure = Failure::none;
    Phase phase = Phase::connecting; // the last that was begun: where it failed, when it did
    std::string detail;              // the system's words for the failure
    std::string answer;              // what came, up to the limit and whatever the failure
    Duration took{};                 // to connect, the lookup of the name included
};

// Blocks, at most `timeout`. A peer that closes after its answer, or instead of it, is no failure: the answer shows it.
TcpSample tcp_probe(const TcpQuestion& question);

} // namespace lectio

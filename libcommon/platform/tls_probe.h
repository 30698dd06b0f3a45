// tls_probe: which certificates a server shows, and whether a browser would trust them.
#pragma once

#include "platform/clock.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct TlsQuestion {
    std::string address;     // "host:port", "[::1]:443"
    std::string server_name; // SNI, and the name that the certificate must be for
    std::string ca;          // PEM file; empty: the system's
    Duration timeout{10000}; // everything
};

struct ShownCertificate {
    std::string subject; // the common name, or all of the subject
    WallTime begins, ends;
};

struct TlsSample {
    enum class Failure {
        none,
        name, // the address's host is not found
        refused,
        unreachable, // no route: the cause is outside this host
        timeout,
        own_fault, // nobody could be asked: no descriptors, memory, ports or rights left here
        handshake, // no TLS there, or no common version
    };
    enum class Phase { connecting, handshake };
    Failure failure = Failure::none;
    Phase phase = Phase::connecting;            // the last that was begun: where it failed, when it did
    std::string detail;                         // OpenSSL's or the system's words
    std::vector<ShownCertificate> certificates; // as shown: the server's own first
    std::string untrusted;     // why the chain is not trusted, OpenSSL's words; empty: it is. Not: its dates
    bool name_matches = false; // by the alternative names only, as browsers do
};

// Blocks, at most `timeout`. An Error is our own fault (the CA file).
Result<TlsSample> tls_probe(const TlsQuestion& question);

} // namespace lectio

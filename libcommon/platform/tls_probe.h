// tls_probe: which certificates a server shows, and whether a browser would trust them.
#pragma once

#include "platform/clock.h"
#include "platform/starttls.h"
#include "util/result.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct TlsQuestion {
    std::string address;     // "host:port", "[::1]:443"
    std::string server_name; // SNI, and the name that the certificate must be for; an address: no SNI
    std::string ca = {};     // PEM file; empty: the system's
    Duration timeout{10000}; // everything
    StartTls starttls = StartTls::none;
};

struct ShownCertificate {
    std::string subject; // the common name, or all of the subject
    WallTime begins, ends;
    std::string refused_key = {}; // "RSA 1024 bits": a key that browsers refuse; empty: they take it
    bool is_needed = true;        // part of the chain by which it is trusted; false: only served along
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
        upgrade,   // the server does not change over to TLS: `detail` is what it said
    };
    enum class Phase { connecting, upgrading, handshake };
    Failure failure = Failure::none;
    Phase phase = Phase::connecting;            // the last that was begun: where it failed, when it did
    std::string detail;                         // OpenSSL's or the system's words
    std::vector<ShownCertificate> certificates; // as shown: the server's own first
    std::string untrusted;     // why the chain is not trusted, OpenSSL's words; empty: it is. Not: its dates
    bool has_names = true;     // alternative names at all: browsers look at nothing else
    bool name_matches = false; // by the alternative names only, as browsers do
    std::string old_protocol;  // "TLSv1": the best the server can, and browsers refuse it (RFC 8996)
};

// Blocks, at most `timeout`. An Error is our own fault (the CA file).
//
// Browsers are stricter than OpenSSL, and Debian's OpenSSL refuses to talk where they would name the reason: so
// everything that can be spoken is spoken, and judged afterwards by what browsers take: TLS 1.2 (RFC 8996), RSA from 2,048
// bits or P-256 and P-384, nothing signed with SHA-1 (CA/Browser Forum, Baseline Requirements 6.1.5 and 7.1.3.2).
Result<TlsSample> tls_probe(const TlsQuestion& question);

// The first certificate of a PEM file, as ssl_certificate of nginx names it.
Result<ShownCertificate> read_certificate(const std::string& path);

} // namespace lectio

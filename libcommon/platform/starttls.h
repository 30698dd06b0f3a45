// Changing over to TLS on a connection that began without it.
#pragma once

#include "platform/clock.h"

#include <string>

namespace lectio {

// What is spoken before the handshake: nothing, or a protocol that is asked to change over: SMTP (RFC 3207), IMAP and
// POP3 (RFC 2595), FTP (RFC 4217), PostgreSQL (its protocol's SSLRequest).
enum class StartTls { none, smtp, imap, pop3, ftp, postgres };

struct Upgrade {
    enum class Outcome {
        done,
        refused, // the server said something else, or nothing more: `said`
        timeout,
    };
    Outcome outcome = Outcome::done;
    std::string said; // the last line of the server
};

// Leaves a non-blocking, connected `fd` at the first byte of the handshake. Blocks until the deadline at most.
Upgrade change_over_to_tls(int fd, StartTls protocol, SteadyTime deadline);

} // namespace lectio

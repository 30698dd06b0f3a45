// dns_probe: one question to a nameserver, and what it answered.
//
// Packets are made and read by the C library (resolv.h, arpa/nameser.h), which every program here has loaded anyway;
// they are carried by our own sockets, because res_nquery() cannot tell a nameserver that refuses from one that is
// silent, and waits in whole seconds. Only DNS is asked: /etc/hosts does not count.
#pragma once

#include "platform/clock.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio {

struct DnsQuestion {
    std::string name;         // whole: no search domain is added to it
    std::string record = "A"; // A AAAA CNAME MX NS SRV TXT
    std::string server;       // "127.0.0.1", "[::1]:53", "ns.example:53"; empty: those of /etc/resolv.conf
    Duration timeout{2000};   // everything, all nameservers together
};

struct DnsSample {
    enum class Failure {
        none,
        name,        // the nameserver's own name is not found
        refused,     // nobody listens there
        unreachable, // no route
        timeout,
        garbled,   // an answer to our question that cannot be read
        own_fault, // the question cannot be asked: `detail`
    };
    Failure failure = Failure::none;
    std::string server; // that answered, or failed last: "127.0.0.1:53"
    std::string detail; // the system's words for the failure
    int code = 0;       // RCODE (RFC 1035, 4.1.1): 0 good, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
    std::vector<std::string>
        answers; // of the record asked for: "192.0.2.1", "10 mail.example.org"; names in lower case
    std::vector<std::string> aliases; // CNAMEs on the way to them, in the order of the answer
    std::vector<std::string> failed;  // nameservers of this host that were asked before in vain
    int strays = 0;                   // packets that belong to another question: dropped (RFC 5452)
    Duration took{};                  // to the answer
};

// Asks over UDP, once more after a third of the time, and over TCP where the answer was cut (RFC 1035, 4.2). Blocks for
// `timeout` at most.
DnsSample dns_probe(const DnsQuestion& question);

// An address as DnsSample has it: "2001:DB8::0:1" is "2001:db8::1". Nothing when it is none of this record's (A, AAAA).
std::optional<std::string> canonical_address(std::string_view text, std::string_view record);

} // namespace lectio

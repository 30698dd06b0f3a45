// Mail: one message to a mail server over SMTP (RFC 5321), through libcurl.
#pragma once

#include "util/secret.h"
#include "util/units.h"

#include <string>
#include <vector>

namespace lectio {

struct MailRequest {
    std::string url; // smtp://host[:port] (25), smtps://host[:port] (465)
    enum class StartTls { required, none };
    StartTls starttls = StartTls::required; // of smtp://: without encryption nothing is sent (RFC 3207)
    std::string user;                       // empty: nobody logs in
    Secret password;
    std::string from; // addresses alone, without names or angle brackets
    std::vector<std::string> to;
    std::string message;     // RFC 5322, lines end in CRLF
    std::string ca;          // PEM file; empty: the system's
    std::string resolve;     // connect to this address instead of resolving the URL's host
    Duration timeout{10000}; // everything
};

struct MailAnswer {
    enum class Failure {
        none,
        bad_url,
        dns,
        dns_timeout,
        refused, // connection refused
        unreachable,
        timeout,
        tls,         // handshake failed, certificate refused: `detail`
        no_starttls, // the server does not offer it
        greeting,    // it does not want to talk to us: `said`
        login,
        sender,
        receiver, // every one
        content,  // the message itself
        closed,   // connection cut
        own_fault,
        other,
    };
    Failure failure = Failure::none;
    // The server has all of the message: where no reply came to that, nobody knows whether it was accepted.
    bool handed_over = false;
    int code = 0;                      // of the server's last reply (RFC 5321, 4.2); 0: there was none
    std::string said;                  // the words of that reply, secrets masked
    std::vector<std::string> left_out; // receivers that were refused while others were accepted
    std::string address;               // the peer's, without its port
    std::string detail;                // libcurl's or OpenSSL's words, secrets masked
};

// Blocks, at most `timeout`. To be called in a thread that may be left behind.
MailAnswer send_mail(const MailRequest& request);

} // namespace lectio

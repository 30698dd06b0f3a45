// A message over HTTP: how it is asked and what the answer means, where that is the same for every channel.
#pragma once

#include "alerts/channel.h"

#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// "hooks.example.org:443": whom a URL asks, without its path, which may be a secret.
std::string peer_of(const std::string& url);

// "https://x/prefix/" and "api/v2": "https://x/prefix/api/v2".
std::string below(std::string_view url, std::string_view path);

// Redirects are not followed: a message, and a secret in its address or headers, is for this server alone.
HttpRequest json_post(std::string url, std::string body);

// What to do where the channel's own keys may be wrong: its address, what it goes through.
struct FailureHints {
    Phrase url, network;
};

// Of an answer that is none (`failure`): what did not leave was surely not accepted.
Outcome outcome_of_failure(const HttpAnswer& answer, const std::string& whom);
Outcome outcome_of_failure(const HttpAnswer& answer, const std::string& whom, const FailureHints& hints);

// The server has said what becomes of the request; what it said besides may have been cut, too long or garbled.
bool is_judged(const HttpAnswer& answer);

// A whole number of seconds from 1 on (RFC 9110, 10.2.3); a server that says anything else has said nothing.
std::optional<Duration> retry_after(const HttpAnswer& answer);

// The first words of an answer's body, for a problem.
std::string said(const HttpAnswer& answer);

// "149.154.167.220:443" and "[2001:db8::1]:443" without the port.
std::string without_port(std::string_view peer);

Outcome outcome_of(Outcome::Kind kind, Text problem, Text hint = {});

} // namespace lectio

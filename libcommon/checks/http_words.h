// What an HTTP answer that is no good means in words: shared by the checks that ask over HTTP.
#pragma once

#include "checks/check.h"
#include "config/values.h"
#include "platform/http.h"

#include <optional>
#include <string>

namespace lectio {

// What is wrong with an answer: critical, or unknown where we could not ask. Nothing when it is complete.
// `request` is what was asked: whether this very host was, and how long the limits were.
std::optional<CheckResult> http_failure(const HttpAnswer& answer, const HttpRequest& request);

// The hint of http_failure() is to look at the service that was asked: it hangs, or nobody listens.
bool speaks_of_a_service(const CheckResult& result);

// A status that was not wanted, with what it usually means; nothing when it was.
std::optional<CheckResult> wrong_status(const HttpAnswer& answer, const StatusSet& wanted);

// The name in the URL does not exist, or has no address: often a typo in the configuration.
bool names_nobody(const HttpAnswer& answer);

// The URL's host, or the address asked instead, is this very machine's: "localhost", 127.0.0.0/8, ::1, a socket.
bool asks_this_host(const HttpRequest& request);

// The beginning of a body for people: one line, cleaned, secrets masked; empty for binary content.
std::string excerpt(const std::string& body);

double seconds(std::chrono::microseconds time);

} // namespace lectio

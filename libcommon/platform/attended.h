// A command attended: started as its caller would start it (launch.h), its output passed on as it comes.
#pragma once

#include "util/result.h"
#include "util/units.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct AttendedRequest {
    std::vector<std::string> command; // [0] a path, or looked up in our PATH; not empty
    std::optional<Duration> limit;    // of its run; then it is asked to end (SIGTERM)
    // What it gets to end by itself once it was asked to; then it gets SIGKILL, with what it has started.
    Duration grace{10'000};
    int out = 1, err = 2; // where its output and its errors are passed on to
    Bytes tail{10'000};   // how much of the end of its output is kept
};

struct AttendedAnswer {
    std::optional<int> exit_status; // absent when ended by a signal
    int signal = 0;                 // 0 when it exited
    bool overran = false;           // it took longer than the limit
    int stopped = 0;                // the signal that asked us to stop, which it was handed on; 0: none did
    std::string tail; // the last of its output and errors, as they came; clean() it before showing
    Duration took{};
};

// Returns when it has ended. A wish to stop (stop.h; take_time_to_stop()) is handed on to it. It ends with us: SIGTERM
// when we are killed. What it has left running in the background goes on, without an output.
// Error: it could not be started: not_found, permission, or what else the kernel says.
Result<AttendedAnswer> attend(const AttendedRequest& request);

} // namespace lectio

// What a check is: settings from the configuration, a look at the world, a judgement in words.
//
// A check type is one source with a small header in this folder: its settings and key table, a pure
// evaluate(sample, settings) that its test calls with made-up samples, and the look itself. It is entered by one
// row in all_checks.cpp. It holds no timing, locking, retrying, logging or alerting: the runner and the judge do
// those for every check.
#pragma once

#include "config/values.h"
#include "platform/clock.h"
#include "platform/world.h"
#include "util/task.h"
#include "words/phrase.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lectio {

// The worst is found by worst(), never by comparing values: critical > warning > unknown > ok, and skipped
// never counts (CONTRACT 9). The numbers of ok…unknown are exit codes.
enum class Status { ok = 0, warning = 1, critical = 2, unknown = 3, skipped = 4 };
Status worst(Status a, Status b);
std::string_view to_string(Status status); // "ok", "warning", "critical", "unknown", "skipped"

// From the ground up (DESIGN): of failures as bad the lowest is mended and told first. What is whose consequence only
// `needs` in the configuration says; of several causes the lowest counts (incidents/dependencies.h).
enum class Layer { suite, disk, memory, unit, data, application, web, name, certificate, other };

struct Metric {
    std::string name;
    double value = 0;
    std::string unit; // "s" "B" "%" "" (UCUM-like, as Nagios performance data)
    std::optional<double> warn, crit;
    // Which side of warn and crit is the wrong one; outside: below crit and above warn.
    enum class Bad { above, below, outside } bad = Bad::above;
};

// Why acting would not help, when it would not. try_it: refused, silent, hung. outside_host: no such name, no
// route. cannot_help: the service answers and a restart would change nothing (no rights, disk full).
enum class Remedy { try_it, outside_host, cannot_help };

// One thing that an audit names. A check of hardening gathers them (checks/findings.h).
struct Finding {
    Status status = Status::warning;
    Text seen; // "no Strict-Transport-Security header"
    Text why;  // what may come of it, one sentence
    Text mend; // the line that mends it: a command, or a line of a configuration
};

struct CheckResult {
    Status status = Status::unknown;
    Text message; // what was seen beside what was expected: "HTTP 403, expected 200"
    Text hint;    // what to look at or do, one line; may be empty
    std::vector<Metric> metrics;
    Remedy remedy = Remedy::try_it;
    // What the check wants to find in its next run (a log position, a counter). Small; kept in the state
    // file.
    std::map<std::string, std::string> memory;
    // A log line, a response excerpt: outside text, shown under the message where there is room.
    std::string evidence;
    // Its own time, where it has waited for other checks meanwhile; none: all the time that it ran.
    std::optional<std::chrono::microseconds> took{};
    std::vector<Finding> findings = {}; // of a check of hardening: everything, for `lectio-deepcheck audit`
};

struct CheckContext {
    World world; // a copy: whoever was given up may look on when the run and its World are gone
    Now now;
    SteadyTime deadline;                              // of the run
    const std::map<std::string, std::string>& memory; // what this check kept last time
    bool recheck = false; // asked again in the same run: do not read on in logs or counters (CONTRACT 14)
    std::filesystem::path state = {}; // of the suite: each tool's is in state/<tool>
};

// What only looks and may block for a moment runs in a thread of its own: it must not keep references to
// anything but the World after returning, because the runner may have given it up at the deadline.
// What waits for the network by HTTP is a coroutine on the run's loop.
class Check {
  public:
    virtual ~Check() = default;
};
class BlockingCheck : public Check {
  public:
    virtual CheckResult run(const CheckContext& context) const = 0;
};
class AsyncCheck : public Check {
  public:
    virtual Task<CheckResult> run(const CheckContext& context) const = 0;
};

// For a look with a time limit of its own: `wanted`, but not beyond the end of the run.
Duration time_for(const CheckContext& context, Duration wanted);
// Not finished by then, as the runner says it of a check it gave up: when the end of the run came before the
// check's own limit, silence says nothing of the target. `unknown`, with what was remembered.
CheckResult not_finished(const std::map<std::string, std::string>& memory);

// ok when asked of a running service a moment later makes sense (http, systemd …); what is read as new since
// last time (log, OOM) is not asked twice (CONTRACT 14).
enum class Recheck { yes, no };

} // namespace lectio

// Report: what one run found and did, as data, and its forms: text for people, JSON and Nagios for programs.
// Fields of the JSON form are only ever added (CONTRACT 26).
#pragma once

#include "checks/check.h"
#include "incidents/news.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct CheckReport {
    std::string name, type;
    CheckResult result; // after recovery (CONTRACT 17), severity already applied
    std::chrono::microseconds duration{};
    std::optional<std::string> symptom_of; // the check whose consequence this is
    std::optional<std::string> incident;   // id of its open incident
    std::optional<Duration>
        age; // not asked in this run (`every`): how long ago it was, as the message says, too
};

struct IncidentReport {
    std::string id, check;
    Status status = Status::critical;
    enum class State { open, acknowledged, resolved } state = State::open;
    WallTime since;
    bool flapping = false; // open though its check may be good just now
};

struct AlertsReport {
    int queued = 0, sent = 0, waiting = 0, rejected = 0;
    Text why_waiting; // what the last attempt was answered; empty: there was none, or nothing waits
};

struct Report {
    std::string tool, host;
    WallTime time;
    std::chrono::microseconds duration{};
    Status status = Status::ok;
    int exit_code = 0;
    Text reason;             // why exit_code is not what status says: "wrong configuration: …"
    std::vector<Text> quiet; // why failures are not mended or told just now: "maintenance until …"
    std::vector<Text> notes; // assumptions of discovery, what was not done and why
    std::vector<CheckReport> checks;
    std::vector<Deed> recovery;
    std::vector<IncidentReport> incidents;
    AlertsReport alerts;
};

// The status in words: never "all good" where nothing was looked at (CONTRACT 1), which is `skipped`, and never that
// where checks whose severity is info were.
Status said_status(const Report& report);
// The same in the four levels of Nagios, for its line and its exit code: to have looked at nothing is UNKNOWN.
Status nagios_status(const Report& report);

enum class Detail { normal, verbose };
enum class Paint { no, yes };

// One line a check, the broken first; then what was done. Ends in a newline.
std::string render_text(const Report& report, Lang lang, const std::string& zone, Detail detail, Paint paint);
// One object on one line (DESIGN.md "JSON report"). Ends in a newline.
std::string render_json(const Report& report, Lang lang);
// One line and performance data (Monitoring Plugins guidelines: at most one line is read by pagers).
std::string render_nagios(const Report& report, Lang lang);
// For any line of that kind: in one line, without secrets and without '|', which begins the performance data.
std::string nagios_words(std::string_view text);

// For programs to read: at most six digits after the point, none from a million on, never an exponent.
std::string plain_number(double value);

// {"tool":…,"exit_code":75,"reason":…} for a run that ended before it had a report (CONTRACT 23).
std::string render_json_reason(const std::string& tool, const std::string& host, WallTime time, int exit_code,
                               const std::string& reason);

} // namespace lectio

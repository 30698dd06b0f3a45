// Overview: how things stand on this host, as the tools have left it in state, history and records. Nothing is checked
// here; what is damaged, missing, late or may not be read is said, and never counts as good.
#pragma once

#include "heartbeat/job_record.h"
#include "operator/desk.h"
#include "platform/clock.h"
#include "report/report.h"
#include "store/history.h"
#include "words/phrase.h"

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::status {

// One of the 24 hours before now, of one check.
struct Hour {
    Status worst = Status::skipped; // skipped: nobody looked
    std::optional<double> figure;   // the highest of the check's first metric
    bool operator==(const Hour&) const = default;
};
inline constexpr std::size_t k_hours = 24;
using Day = std::array<Hour, k_hours>; // the oldest first; the last ends now

struct CheckRow {
    std::string tool, name, type; // "health"; type "self": what a tool noticed of itself
    Status status =
        Status::skipped; // as its last look found it, `severity` applied; skipped: not looked at yet
    Severity severity = Severity::critical;
    Text message, hint; // empty where only the status is known
    std::vector<RecordedMetric> metrics;
    std::optional<WallTime> seen;
    Duration age{};     // since then
    bool stale = false; // older than it may be: what it says is no longer known to be true
    Day day{};

    // What it is worth now: what was good and is stale is unknown.
    [[nodiscard]] Status worth() const;
};

// A tool of the suite, by the record that it leaves of its last finished run.
struct ToolRow {
    enum class State {
        good,
        late,    // its last run is older than `limit`
        never,   // it has work here, and has never finished a run
        future,  // its record is of a time to come: the clock was set back, or the record is another host's
        damaged, // its record could not be used, or only the one before; `trouble` says why
        unreadable, // we may not read it
    };
    std::string name; // "health"
    State state = State::good;
    std::optional<WallTime> finished;
    Duration age{}, limit{};
    Text trouble;

    [[nodiscard]] Status status() const;
};
std::string_view to_string(ToolRow::State state);

// What is known of a tool's record.
struct ToolRecord {
    std::optional<Now> finished;
    Text trouble;        // of a damaged one
    bool denied = false; // may not be read
    bool lost = false;   // there is none, though the history knows runs of it
};
// Nothing: it has no work here and left no record.
enum class Work { none, some };
std::optional<ToolRow> judge_tool(const std::string& name, const ToolRecord& record, Work work,
                                  Duration limit, const Now& now);

struct Deploy {
    std::string id, action, by, result, reason;
    WallTime time;
    bool died = false; // it has not ended, and cannot be under way any more
    bool needs_human = false;
};

// A job that runs under `lectio-heartbeat run`.
struct JobRow {
    enum class State {
        good,
        failed,
        running,
        died, // it began, is no more, and nobody has said how it ended
        never,
        damaged, // its record cannot be used
        unreadable,
    };
    std::string name;
    State state = State::never;
    std::optional<WallTime> begun; // of one that runs or has died
    std::optional<WallTime> ended; // the last end that is known
    Duration age{};                // since it began, or ended
    int exit_status = 0;           // of that end
    Text detail;                   // how it ended; what is wrong

    [[nodiscard]] Status status() const;
};
std::string_view to_string(JobRow::State state);
// `is_alive`: the process of a run that is not known to have ended is there.
JobRow judge_job(const std::string& name, const heartbeat::JobRecord& record, bool is_alive, const Now& now);

struct BackupRow {
    std::string source;
    std::optional<WallTime> proven; // when the newest copy that counts was made; none: there is none
    Duration age{};
    Bytes size{};
    Text trouble; // late, never, suspect, not backed up; empty: good
    Status status = Status::ok;
    bool only_bytes = false; // nobody knows whether the newest can be restored: its bytes are what they were
};

// What the healer did, or an incident that ended.
struct Recovery {
    WallTime time;
    std::string check; // "health/site"; empty: of an action
    Text words;
    bool ok = true;
};

// A part of the overview that could not be had.
struct Gap {
    Status status = Status::unknown;
    Text words;
};

struct Overview {
    std::string host, zone;
    WallTime now;
    std::vector<CheckRow> checks; // in the order of the configuration, those of one tool together
    std::vector<ToolRow> tools;
    Standing standing;                // incidents, mutes, messages that wait, channels
    bool tells = false;               // `standing` knows of channels: their settings could be read
    Text incidents, quiet;            // of `standing`, as lectio-notify says it
    std::vector<Recovery> recoveries; // the newest first
    std::vector<Deploy> deploys;      // the newest first
    std::vector<BackupRow> backups;
    std::vector<JobRow> jobs;
    std::vector<Gap> gaps;

    // The worst of all that counts; unknown where nothing was looked at yet.
    [[nodiscard]] Status status() const;
    // What makes it so beside the checks and incidents, the worst first: tools, records, messages that do not get through.
    [[nodiscard]] std::vector<Gap> troubles() const;
    [[nodiscard]] const CheckRow* find(std::string_view tool, std::string_view name) const;
};

// One screen. Ends in a newline.
std::string render_text(const Overview& overview, Lang lang, Paint paint);
// Metrics in the text exposition format (docs/status.md).
std::string render_prometheus(const Overview& overview);
// The fields of --format json (CONTRACT 26) beside those of every tool.
nlohmann::json json_of(const Overview& overview, Lang lang);

} // namespace lectio::status

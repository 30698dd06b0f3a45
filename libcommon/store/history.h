// History: every run of every tool in history.sqlite of the state folder, so that it can be shown, counted and
// judged again (docs/decisions/0009-history.md has the schema and what it weighs).
//
// All tools write into the one file (CONTRACT 19), one transaction a run. A file that is damaged, foreign or of
// a newer version is set aside and a new one begun. Nothing here takes longer than k_at_most, whoever holds a lock:
// a run that could not be recorded by then is lost to the history, and to nothing else.
//
// store/ stands below checks/ and incidents/, so what a run has to say comes in plain types. A status is the
// number of Status (checks/check.h), an event the word of news.h and judge.h.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/sqlite.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lectio {

struct RecordedMetric {
    std::string name, unit;
    double value = 0; // kept as float
    std::optional<double> warn, crit;
    bool operator==(const RecordedMetric&) const = default;
};

// What a check, or a notice of the suite about itself (type "self"), had to say.
struct RecordedLook {
    std::string check, type;
    std::string cause;    // of a notice
    int status = 0;       // as seen: what the judge was given
    int shown = 0;        // as reported: capped by `severity`
    int remedy = 0;       // number of Remedy
    bool passing = false; // a notice without an end
    Text message, hint;
    std::string evidence; // its first 200 characters are kept
    std::chrono::microseconds took{};
    std::vector<RecordedMetric> metrics;
    bool operator==(const RecordedLook&) const = default;
};

// Something that happened to an incident, or a thing told about it.
struct RecordedEvent {
    enum class Kind { change = 0, told = 1 } kind = Kind::change;
    std::string
        event; // opened risen eased resolved flapping acknowledged; told: also mended reminder needs-person note
    std::string check, incident;
    int status = 0;
    Text message;
    bool operator==(const RecordedEvent&) const = default;
};

// An action of the healer.
struct RecordedDeed {
    std::string rung, action, target;
    bool ok = false;
    Text detail;
    std::vector<std::string> fixed;
    Duration took{};
    bool operator==(const RecordedDeed&) const = default;
};

struct RecordedRun {
    std::string tool; // "health"
    Now started;
    std::chrono::microseconds took{};
    int status = 0, exit_code = 0;
    bool partial = false;            // --only
    std::string quiet;               // what was in force: "mute", "deploy:site,api"; mostly empty
    std::vector<RecordedLook> looks; // what was seen first, and judged
    std::vector<RecordedLook>
        after_healing; // of those that were asked again after an action, the last answer
    std::vector<RecordedEvent> events;
    std::vector<RecordedDeed> deeds;
    bool operator==(const RecordedRun&) const = default;
};

struct HistoryLimits {
    Duration keep = std::chrono::hours(24 * 90);
    Bytes size = 200_MB; // of the file and its log together
};

// Where the history is, and which version of it this is.
struct HistoryPlace {
    Path folder; // the state folder
    Path lock;   // held while the file is begun or set aside
    uid_t us = 0;

    static constexpr int k_schema = 1;
    static constexpr std::int64_t k_application =
        0x4C454354; // "LECT", sqlite.org/pragma.html#pragma_application_id
    [[nodiscard]] Path file() const { return folder / "history.sqlite"; }
};

class History {
  public:
    static constexpr Duration k_at_most{1'000};

    History(Files& files, Clock& clock, HistoryPlace place, HistoryLimits limits);

    // While an update replaces the tools one by one, the old ones meet a newer history for a moment: it is left
    // alone then. Where that stays so it is set aside (CONTRACT 19).
    enum class Newer { leave, set_aside };
    struct Outcome {
        std::optional<Error> lost; // why the run was not recorded; busy and timeout may pass by themselves
        Text trouble;              // what was set aside, and that the history has begun afresh; mostly empty
    };
    Outcome record(const RecordedRun& run, Newer newer = Newer::leave);

  private:
    struct Found;
    Result<void> record_by_deadline(const RecordedRun& run, Newer newer, Text& trouble);
    static bool must_replace(const Found& found, Newer newer);
    static Result<void> answer(const Found& found);
    Found try_to_write(const RecordedRun& run);
    Result<void> write(Database& database, const RecordedRun& run);
    Found look(std::optional<Database>& database);
    Found look_outside();
    Found look_at(const Path& path);
    Found look_inside(Database& database);
    Found look_at_log(Database& database);
    Bytes log_size();
    Result<Lock> lock_alone(WallTime now);
    Result<void> replace(const Found& found, WallTime now, Text& trouble);
    Result<std::string> set_aside(std::string_view label, WallTime now);
    Result<void> begin();
    Result<void> make();

    Files& m_files;
    Clock& m_clock;
    HistoryPlace m_place;
    HistoryLimits m_limits;
    SteadyTime m_deadline; // of the record() under way
};

} // namespace lectio

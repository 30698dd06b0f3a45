// The pipeline that every checking tool runs: observe → judge → heal → tell → remember → report.
//
// A tool turns its configuration into a Job and calls run_pipeline(). Nothing in here prints: the outcome is
// a Report, what went into the logs, and an exit code.
#pragma once

#include "alerts/delivery.h"
#include "checks/check.h"
#include "cli/exit_code.h"
#include "incidents/judge.h"
#include "platform/files.h"
#include "platform/world.h"
#include "recovery/ladder.h"
#include "report/log.h"
#include "report/report.h"
#include "store/history.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct JobCheck {
    CheckPolicy policy;
    std::shared_ptr<const Check> check;
};

// A check that is configured but cannot be asked: what it refers to is not set.
struct ShelvedCheck {
    std::string name, type;
    Text reason;
};

struct JobPaths {
    Path state, run, logs;   // of the suite
    Path memory{"/dev/shm"}; // where state goes when the disk of both folders refuses
    Path metrics{};          // the file of this tool; empty: not written
};

// What the configuration asks of one run of one tool.
struct Job {
    std::string tool;       // "lectio-health": in reports and logs
    std::string short_name; // "health": state/health, run/health.lock, logs/health.log
    JobPaths paths;
    Lang lang = Lang::ru;
    std::string zone;
    std::string host;
    LogFormat log_format = LogFormat::text;
    LogLevel log_level = LogLevel::info;
    Duration deadline{50'000}; // the whole run

    std::vector<JobCheck> checks; // enabled ones, in the order of the file
    std::vector<ShelvedCheck> shelved;
    Duration remind{3'600'000}, boot_grace{120'000}, deploy_grace{600'000};
    int per_hour = 0;          // messages; 0: no limit
    std::string quiet, digest; // "23:00-08:00", "09:00", in `zone`; empty: none
    bool always_muted = false;
    Path mute_file; // the mute marker, where it is not paths.run/mute_until

    // Units of which lectio-notify may tell that they fell: the configured check of each, and the check that is made
    // where none is. Only one tool takes such falls over; nullptr: another one.
    std::map<std::string, std::string> unit_checks;
    JobCheck (*check_of_unit)(const std::string& name, const std::string& unit) = nullptr;

    // What has been seen, asked twice where that was worth it, before it is judged: a tool that knows how its checks hang
    // together puts what one thing has broken under one of them.
    std::function<void(std::vector<Observation>&)> join;
    // The order in which they are begun. in_order: that of `checks`, in each run the same, for what a person follows.
    enum class Begin { slowest_first, in_order } begin = Begin::slowest_first;

    // When what fails is asked once more. beside: what is silent already while its first look goes on (decision 0057).
    enum class SecondLook { after, beside } second_look = SecondLook::after;

    std::vector<Rung> ladder;
    RecoveryLimits limits;
    std::shared_ptr<WayBack> way_back; // of what is released here; nullptr: nothing is

    DeliverySettings delivery;
    HistoryLimits history;

    // Of checks with `every` (docs/decisions/0025). A look under other settings than these is none: asked anew; empty:
    // `every` alone decides. What had failed is asked again after so long at the latest; 0: after `every`.
    std::string settings_mark;
    Duration ask_failed_after{0};

    std::vector<SelfNotice> notices; // what is wrong with the configuration
    std::vector<Text> notes;         // what discovery assumed
    Text wrong_configuration;        // not empty: the run works with the last good one and exits 78
};

// What the command line asks of it.
struct Wishes {
    bool dry_run = false;
    bool heal = true;
    bool notify = true;
    std::vector<std::string> only; // names that exist; empty: all
    bool asks_all = false;         // of these, whatever their `every` says
    bool tells_of_itself = true;   // what the suite notices of itself stands in the report, too
};

struct RunOutcome {
    Report report;
    ExitCode exit = ExitCode::ok;
    std::vector<std::string> would_send; // --dry-run: the messages
    std::optional<Error> no_run;         // locked or no rights: there is no report
    int signal = 0;                      // the run was asked to stop: exit with 128 + this
    bool changed = false;                // something broke, rose, eased or ended, or was tried
};

// One run of a tool at a time. Not held: the disk refused it, and the run goes on without.
struct RunLock {
    Lock lock;
    std::optional<Error> refused;
};
// For a job whose checks are still to be found. busy: another run is under way; permission: we have no right to run.
Result<RunLock> lock_run(World& world, const Path& run, const std::string& tool,
                         const std::string& short_name);

// One run. Always comes back by the job's deadline; no trouble with state, logs or channels stops the checks.
RunOutcome run_pipeline(const Job& job, const Wishes& wishes, World world,
                        std::vector<std::unique_ptr<Channel>> channels,
                        std::optional<RunLock> lock = std::nullopt); // nothing: it is taken here

} // namespace lectio

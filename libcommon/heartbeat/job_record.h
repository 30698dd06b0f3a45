// What `lectio-heartbeat run` leaves of a job for those who ask how things stand: that it runs, in paths.run, where it is
// gone with the machine; how it ended last, in state/jobs.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"
#include "words/phrase.h"

#include <optional>
#include <string>
#include <vector>

namespace lectio::heartbeat {

struct JobRecord {
    struct Run {
        Now begun;
        int pid = 0; // of lectio-heartbeat
        bool operator==(const Run&) const = default;
    };
    struct End {
        Now at;
        Duration took{};
        int status = 0; // for the shell
        Text words;
        bool operator==(const End&) const = default;
    };
    std::optional<Run> run; // begun, and no end is known
    std::optional<End> end; // the last one
    Text trouble{};         // a record that cannot be used
    bool denied = false;    // it may not be read
};

// Where: `run` and `state` are paths.run and paths.state. An Error keeps no job from running. Ends are written by whoever
// holds the job's lock.
Result<void> note_begin(const Path& run, const std::string& job, const JobRecord::Run& begun);
Result<void> note_end(Files& files, const Path& state, const Path& run, const std::string& job,
                      const JobRecord::End& end);

JobRecord read_job(Files& files, const Path& state, const Path& run, const std::string& job);
// Of which an end is known.
std::vector<std::string> known_jobs(Files& files, const Path& state);

} // namespace lectio::heartbeat

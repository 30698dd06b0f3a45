// sqlite_probe: what a SQLite database in use is like, without anybody noticing (docs/decisions/0020).
//
// No look takes a lock that a writer could meet: where the write-ahead log holds something, readers and writers do not
// meet; everything else is read without locks, and what looks damaged then is believed only if nobody wrote meanwhile.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lectio {

struct SqliteQuestion {
    Path path; // of a regular file
    bool quick_check = false;
    Duration watch_lock{0}; // for how long a lock is watched that is held at the first look
    SteadyTime deadline;
};

struct SqliteSighting {
    Bytes size, log;                           // of the file and of its write-ahead log
    std::optional<std::int64_t> pages, unused; // pages of the file, and those of them that hold nothing
    // Without both: why. `idle`: nobody has it open and its log was not copied back, which is left to its owner.
    std::optional<Error> unreadable;
    bool idle = false;
    // Neither looked at: a writer died amid a change, which the next to open it takes back (sqlite.org/lockingv3.html, 4).
    bool abandoned = false;

    enum class Check { not_asked, good, damaged, disturbed, unfinished } check = Check::not_asked;
    std::vector<std::string> damage; // the first lines of what was found

    std::optional<Duration>
        locked;     // somebody holds the write lock at least this long and has not written meanwhile
    int holder = 0; // below 1: not known
};

// Blocks until the deadline at most, and as long as the file system does.
SqliteSighting sqlite_probe(const SqliteQuestion& question, Clock& clock);

// The first value of a query's first row, as text; empty where there is none. Without locks like the look above; in a
// database without a log that is written to all the time at last with them, for a fifth of a second at most. Errors as
// in platform/sqlite.h; busy where that was not enough; io where only its owner may put its log in order.
Result<std::string> sqlite_value(const Path& path, const std::string& query, Clock& clock,
                                 SteadyTime deadline);

} // namespace lectio

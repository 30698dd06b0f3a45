// Putting a snapshot of a SQLite database in the place of the database (RELEASES_AND_BACKUPS section 6, M9 and M10).
//
// What stands there is set aside whole, the log with the database: a log that stays is played into whatever comes into
// its place. Nobody may have it open meanwhile: a process that has goes on writing, unseen, into what was set aside. Who
// uses it is stopped by the caller.
#pragma once

#include "platform/release_disk.h"
#include "snapshots/sqlite_snapshot.h"

#include <vector>

namespace lectio::snapshots {

struct SqliteRestore {
    Path snapshot;           // the file, as take_sqlite() made it
    SqliteSnapshot manifest; // what it must be
    Path database;           // whose place it takes; need not be there
    Path aside;              // a folder of this restore alone, on the same file system; made if need be
    Path example{};          // whose owner and mode it gets where nothing stands or lies aside
};

struct Restored {
    bool was_done = false;     // by an earlier call that died after its last step
    std::vector<Path> aside{}; // what stood there before
};

// Proven against the manifest before anything is touched, and again in its place; with the owner and the mode of what it
// replaces. Durable step by step: after a crash the same call goes on where that ended, and what stood there lies in its
// place or in `aside`; on an Error in its place, as far as it can be moved there. As long as `aside` is there, the same call
// never replaces anything a second time. Errors: busy: somebody has it open (named), or has written there since it was set
// aside; invalid: the snapshot is not what the manifest says, and nothing was done.
Result<Restored> restore_sqlite(const SqliteRestore& restore, Files& files, ReleaseDisk& disk, Clock& clock,
                                SteadyTime until);

// busy: somebody has it open, or its log or journal; named.
Result<void> nobody_has_open(const Path& database);

} // namespace lectio::snapshots

// Drills: what lies away from this server is fetched and proven, each `verify_every`. What came of the last one of each source
// is kept in state/backup/drills.json, written under the lock of lectio-backup.
#pragma once

#include "backup/snapshot.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"

#include <map>
#include <optional>
#include <string>

namespace lectio::backup {

struct Drill {
    WallTime tried;                // when there was one last
    WallTime since;                // when one was good last; where none was, when the first was tried
    std::string id;                // of the backup that was fetched
    std::string trouble;           // what was wrong, in the operator's language; empty: it was good
    bool is_bad = false;           // it came, and is not what it should be; else it could not be looked at
    Proof proof = Proof::restored; // how far the last good one went
    bool operator==(const Drill&) const = default;
};
using Drills = std::map<std::string, Drill>; // by the source

enum class DrillStanding {
    off,     // nothing is asked
    waiting, // nothing lies elsewhere yet, or it is about to be fetched
    good,
    failed,  // the last one could not be done
    overdue, // the last good one is older than it may be
    bad,     // what lies elsewhere is not what it should be
};
// `last`: nullptr: there was none.
DrillStanding standing_of(const Drill* last, Duration every, WallTime now);
// One that was not good is tried again a day later, not each hour: it may take long, and cost.
bool is_drill_due(const Drill* last, Duration every, WallTime now);

// None where there is no such file; what cannot be read of it is as if it were not there.
Drills read_drills(Files& files, const Path& state);
Result<void> write_drills(const Drills& drills, Files& files, const Path& state);

} // namespace lectio::backup

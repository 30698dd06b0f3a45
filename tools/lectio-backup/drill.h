// What lies outside of this server is fetched and proven, and how that stands.
#pragma once

#include "backup/drills.h"
#include "session.h"

namespace lectio::backup {

struct DrillStands {
    Text words;     // empty: nothing is asked, or nothing lies elsewhere yet
    int status = 0; // as the process leaves with it
};

// It is time for one (verify_every).
bool is_drill_wanted(Session& session, const BackupSource& source);
// Under the lock. Fetched, compared with its manifest and proven as `verify` does it; remembered, and told once until it is
// over.
DrillStands drill(Session& session, const BackupSource& source, const Backup& away);
// Under the lock. Those of sources that are no longer drilled are forgotten, and what was told of them is over.
void close_drills(Session& session);
DrillStands how_drills_stand(Session& session, const BackupSource& source);

} // namespace lectio::backup

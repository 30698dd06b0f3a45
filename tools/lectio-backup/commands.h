// What lectio-backup can be asked for; each returns the exit status of the process.
#pragma once

#include "session.h"

namespace lectio::backup {

int execute(const Options& options, World world);

int run(Session& session);
int restore(Session& session);

// What nobody knows of a backup that counts, or what the proof of it could not say here; empty: it was restored.
Text lack_of(Session& session, const Backup& backup);

// "12 GB (3 GB packed)": what a restore brings, and what that takes where it lies.
Text sizes_of(const Backup& backup);

// When a backup of these was restored and proven last, whichever; a moment that is to come says nothing.
std::optional<WallTime> last_restored(const std::vector<Backup>& backups, WallTime now);

// The step of a dry run of restore in which the units of the source are stopped.
Text with_units(const Text& words, const BackupSource& source);

// A source has no proven backup that is fresh enough: none of two intervals. Empty: it has.
Text staleness(Session& session, const Archive::Contents& contents, const BackupSource& source);
// The same of those that lie elsewhere, where some are to.
Text staleness_away(Session& session, const Archive::Contents& contents, const BackupSource& source);

} // namespace lectio::backup

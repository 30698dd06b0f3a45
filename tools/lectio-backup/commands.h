// What lectio-backup can be asked for; each returns the exit status of the process.
#pragma once

#include "session.h"

namespace lectio::backup {

int execute(const Options& options, World world);

int run(Session& session);
int restore(Session& session);

// What nobody knows of a backup that counts, or what the proof of it could not say here; empty: it was restored.
Text lack_of(Session& session, const Backup& backup);

// The step of a dry run of restore in which the units of the source are stopped.
Text with_units(const Text& words, const BackupSource& source);

// A source has no proven backup that is fresh enough: none of two intervals. Empty: it has.
Text staleness(Session& session, const Archive::Contents& contents, const BackupSource& source);
// The same of those that lie elsewhere, where some are to.
Text staleness_away(Session& session, const Archive::Contents& contents, const BackupSource& source);

} // namespace lectio::backup

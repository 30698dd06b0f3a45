// What a program has written, handed to the operator's own program that puts it where it belongs.
#pragma once

#include "session.h"

namespace lectio::backup {

struct ExecRestore {
    const BackupSource& source;
    const Backup& backup;
    Text taken; // of when it is
    Path scratch;
};

// What would be done; nothing is.
Text steps_of(const BackupSource& source);
// The lock is held. Unpacked and compared with its manifest first; nothing of what stands there is set aside, since only
// that program knows what that is.
int hand_over(Session& session, const ExecRestore& restore);

} // namespace lectio::backup

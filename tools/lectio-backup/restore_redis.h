// A dump of Redis in the place from which its server loads it at its start.
#pragma once

#include "session.h"

namespace lectio::backup {

struct RedisRestore {
    const BackupSource& source;
    const Backup& backup;
    Text taken; // of when it is
    Path scratch;
};

// What would be done; nothing is.
Text steps_of(Session& session, const RedisRestore& restore);
// The lock is held. What stands there moves aside, under a name that is free. A server that runs would write its own dump
// over it as it stops: then nothing is done, and it is said what is to be.
int put_in_place(Session& session, const RedisRestore& restore);

} // namespace lectio::backup

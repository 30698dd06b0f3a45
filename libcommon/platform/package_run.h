// dpkg at work: the scripts of packages stop and start services as they replace them.
#pragma once

#include "platform/files.h"
#include "util/units.h"

#include <optional>

namespace lectio {

struct PackageRun {
    int pid = 0;
    Duration age{}; // of the process
};

// The dpkg that holds this lock, as a record lock (fcntl(2), F_GETLK), while it unpacks and configures. Nothing where
// none does, where the lock is not ours to see, or where there is no dpkg.
std::optional<PackageRun> package_run(const Path& lock);

} // namespace lectio

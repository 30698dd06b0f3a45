// Who has a file open: what is renamed or replaced under such a process goes on being written by it, unseen.
#pragma once

#include "platform/files.h"

#include <string>
#include <vector>

namespace lectio {

struct FileUser {
    int pid = 0;      // 0: a lock is held there by somebody whom we may not see
    std::string name; // comm
};

// Processes other than this one with any of `files` open (/proc/PID/fd) or a lock on it (proc_locks(5)), by pid. Files
// that are not there have none. Only root sees the descriptors of other users' processes; their locks everybody sees.
Result<std::vector<FileUser>> users_of(const std::vector<Path>& files);

} // namespace lectio

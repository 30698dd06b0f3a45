// Locks that processes hold on files, as the kernel lists them (proc_locks(5)). Looking takes no lock and opens no file:
// closing any descriptor of a file would drop the locks that this process holds on it (fcntl(2)).
#pragma once

#include "platform/files.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace lectio {

struct FileLock {
    dev_t device = 0;
    ino_t inode = 0;
    std::int64_t first = 0, last = 0; // bytes, both belong to it; last is INT64_MAX where it has no end
    bool writes = false;              // exclusive
    int pid = 0;                      // below 1: of an open file description, or not in our PID namespace
};

// Byte-range locks that are held, as /proc/locks has them; what waits for one is left out, and so is what is no such
// line.
std::vector<FileLock> parse_file_locks(std::string_view text);
Result<std::vector<FileLock>> file_locks();

} // namespace lectio

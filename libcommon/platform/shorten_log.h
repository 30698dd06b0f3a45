// A log made short while it is being written, in place: its inode stays, so that who appends to it goes on.
//
// As with copytruncate of logrotate(8), a line that is written in the instant between the last look and ftruncate(2) is
// lost; all that came before is kept.
#pragma once

#include "platform/files.h"
#include "util/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace lectio {

struct ShortenedLog {
    bool changed = false; // false: less than half would go, so it was left
    Bytes freed;          // on the disk
    std::string packed;   // the name of the new file; empty: none
};

struct CutRules {
    int keep_lines = 1000;
    // What stands from here on is kept, however many lines that is: somebody has not read it yet.
    std::optional<std::uint64_t> keep_from;
};

// The last lines stay, behind a mark of what is gone (cut_mark.h). `log` is open for reading and writing. At most 64 MB
// are kept; without an end of line the last 64 kB. A process that dies in it leaves some lines twice and loses none.
Result<ShortenedLog> cut_log(int log, const Path& shown, const CutRules& rules);

// All of it becomes `packed` (RFC 1952) in the same folder, with its owner and mode, on the disk before the log is emptied.
// Ends early (timeout) where may_go_on() is false, with the log as it was.
Result<ShortenedLog> pack_log(int log, int folder, const std::string& packed, const Path& shown,
                              const std::function<bool()>& may_go_on);

} // namespace lectio

// Reading on in a log where the last run stopped: every complete line once, whatever logrotate does meanwhile.
//
// The position is the file's inode, the offset behind the last complete line, and a fingerprint of the file's
// head, which tells a log that was emptied and has grown again, or another file under a used inode number. What
// lectio-cleanup has cut off a log's beginning it tells in the log's first line (platform/cut_mark.h).
// After rotations (rename or copytruncate) what was left in the old file is read first, then what was rotated away after
// it (log.2 before log.1, log-20260121 before log-20260122), if they are still beside the new one, gzipped or not. A line
// that is not complete yet is left for the next run.
#pragma once

#include "platform/files.h"
#include "util/result.h"
#include "util/units.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lectio {

// Under this name a log check keeps its position for the next run.
inline constexpr const char* k_log_position = "position";

struct LogPosition {
    std::uint64_t inode = 0, offset = 0;
    std::uint64_t head_size = 0, head_hash = 0; // of the file's first bytes, at most k_log_head
    bool operator==(const LogPosition&) const = default;
};
std::string position_to_text(const LogPosition& position);
std::optional<LogPosition> position_from_text(std::string_view text);

// Where a log that is seen for the first time is begun with.
enum class LogStart { end, begin };

struct LogReading {
    LogPosition position;
    enum class Reached { end, limit } reached = Reached::end; // limit: there is more, for the next run
    // The file of the last run is gone, or was emptied: whether something stood behind the position nobody can say.
    bool lost_track = false;
};

// Whole lines, newlines included; only the last line of a file that was rotated away may have none. Says
// whether to go on.
using TakeLines = std::function<bool(std::string_view lines)>;

// Reads at most about `most` bytes, a megabyte at a time. not_found: there is no such file now. A line longer
// than a megabyte comes in pieces.
Result<LogReading> read_new_lines(Files& files, const Path& path, const std::optional<LogPosition>& from,
                                  LogStart start, Bytes most, const TakeLines& take);

} // namespace lectio

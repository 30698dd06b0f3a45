// Logs made short, packed or removed: [cleanup] logs.
#pragma once

#include "cleanup/deed.h"
#include "cleanup/untouchable.h"
#include "config/cleanup.h"
#include "platform/matched_files.h"

#include <cstdint>
#include <map>
#include <optional>

namespace lectio::cleanup {

// How far the suite's own log checks have read, by inode: what stands behind that is kept whole. Positions of a tool that
// has not run for a day hold nothing up.
using ReadUntil = std::map<ino_t, std::uint64_t>;
ReadUntil read_until(World& world, const Config& config);

// Whether a log that the pattern matches is meant, by `older` and `size`. Pure.
bool is_meant(const MatchedFile& log, const LogRule& rule, WallTime now);

void clean_logs(const LogRule& rule, const OpenFiles& open, const Untouchable& untouchable, Sweep& sweep);

} // namespace lectio::cleanup

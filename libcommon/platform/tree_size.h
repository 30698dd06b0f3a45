// tree_size: what the files below a folder take on the disk, as `du -x` counts it.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"

#include <cstdint>

namespace lectio {

struct TreeSize {
    Bytes size;               // blocks in use, of folders too; a file with several names once
    Bytes length;             // what would be read of all files; of one with holes more than it takes
    std::uint64_t names = 0;  // below the folder
    std::uint64_t unread = 0; // folders that we may not look into: what is below them is missing
};

// `root` may be a link; below it no link is followed, and what is mounted there is left out. What vanishes meanwhile is
// no error. Blocks as long as the disk does. timeout: not done by `until`, or the process is to end; else what keeps us
// from looking at `root` itself (not_found, permission, io).
Result<TreeSize> tree_size(const Path& root, Clock& clock, SteadyTime until);

} // namespace lectio

// Removing a tree that others own: by descriptors, no link followed, nothing of what is mounted below it.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"

#include <cstdint>
#include <functional>
#include <string>

namespace lectio {

struct Removed {
    std::uint64_t entries = 0;
    Bytes freed; // of the disk: files with another name elsewhere free nothing
};

// `path`, a file or a folder with all below it. The way to it goes along trusted steps only (platform/trusted_path.h),
// `path` itself is not followed. What cannot be removed does not keep the rest: all else goes, the Error is of the first
// that stayed. busy: something is mounted there; timeout: not done by `until`, or the process is to end; what is gone
// is gone, and another call goes on.
Result<Removed> remove_tree(const Path& path, Clock& clock, SteadyTime until);

// The same, of a name in a folder that is held; `shown`: its path in messages. Ends early where may_go_on() is false.
Result<Removed> remove_tree_in(
    int folder, const std::string& name, const Path& shown,
    const std::function<bool()>& may_go_on = [] { return true; });

} // namespace lectio

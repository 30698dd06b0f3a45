// Files that are made of what lies elsewhere and can be made anew: nobody misses one after a power cut.
#pragma once

#include "platform/files.h"
#include "util/result.h"

#include <string_view>

#include <sys/types.h>

namespace lectio {

// What `file` holds is replaced from one moment to the next (rename(2)), and is on the disk some time later. Its folder
// is reached along trusted steps only (platform/trusted_path.h), and a link in its place is replaced, never followed.
// What an earlier writer of ours left behind goes.
Result<void> replace_derived(const Path& file, std::string_view content, mode_t mode);

} // namespace lectio

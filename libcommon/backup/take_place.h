// What was restored takes the place of what stands there, which is kept aside.
#pragma once

#include "platform/files.h"
#include "platform/release_disk.h"
#include "util/result.h"

#include <string>

namespace lectio::backup {

// The name beside `path` under which what stands there would be kept: PATH.before-ID, or with a number, whichever is free.
Path name_aside(const Path& path, const std::string& id, Files& files);

// `prepared` (a file or a folder, whole, on the same disk) is what `path` names from one moment to the next: whatever stops us,
// the one or the other is there whole (renameat2(2), RENAME_EXCHANGE; where the file system has none of it: by two renames).
// `aside` is where what stood there lies now, also on an Error; empty: it has not moved, or nothing stood there. On an Error that
// leaves `aside` empty `prepared` is where it was, as far as that could be.
Result<void> take_place(const Path& prepared, const Path& path, const std::string& id, Files& files,
                        ReleaseDisk& disk, Path& aside);

} // namespace lectio::backup

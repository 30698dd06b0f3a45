// A tar archive from a descriptor into a folder. This is what parses hostile bytes; unpack.h runs it in a child without
// rights and looks at the outcome with its own eyes.
//
// Files are made by descriptors, each step down without following a link (as openat2(2) with RESOLVE_BENEATH and
// RESOLVE_NO_SYMLINKS, which containers often forbid), and never over what is there. Links are laid last, so that
// there is none on any way while files are made. A hard link inside becomes a copy. Owners, times, extended attributes
// and ACLs are not taken over; a file is 644, or 755 where the archive has it executable, a folder 755.
#pragma once

#include "platform/received.h"
#include "util/result.h"

#include <string>

namespace lectio {

struct Extracted {
    Text refused;
    std::string kind;            // "tar.gz"
    bool manifest_first = false; // its first entry is the manifest, which lies in the folder for now
    bool rooted = false;         // it names its own root ("./"), as `tar cz -C build .` does
};

// `into`: a descriptor of an empty folder. The locale must be one of UTF-8 (utf8_locale.h). An Error is ours: the disk is full, the descriptor fails.
Result<Extracted> extract(int input, int into, const ReceiveLimits& limits);

} // namespace lectio

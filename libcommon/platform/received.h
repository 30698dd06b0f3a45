// A build as it comes onto this server, from an archive (unpack.h) or a folder (copy_tree.h): how much of it is taken
// at most, and what was taken.
#pragma once

#include "platform/tree_manifest.h"
#include "util/units.h"
#include "words/phrase.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace lectio {

struct ReceiveLimits {
    Bytes total = 2_GB;              // of all files, as they will be on the disk; holes count
    Bytes file = 1_GB;               // of each
    std::uint64_t entries = 200'000; // files, folders and links
    std::size_t depth = 64;          // folders below one another
    // How many times larger than it came an archive may become, beyond the first `ratio_from`: text packs 5 to 20 times,
    // a bomb a thousand times.
    unsigned ratio = 200;
    Bytes ratio_from = 10_MB;
};

struct Received {
    Text
        refused; // not empty: the build was refused, and why, in one line; what was written stays for the caller to remove
    TreeManifest tree;      // what lies there now, read back from the disk
    bool verified = false;  // it brought a manifest, and all is as that says
    std::string top_folder; // the one folder that all lay in, as `tar cz build` makes it; it was taken away
    std::string kind;       // "tar.gz", "tar", "folder"
};

} // namespace lectio

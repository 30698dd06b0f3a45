// An archive of a build with its manifest first: what takes it (unpack.h) then knows that all came, unchanged, whatever
// happened to the program that sent it.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/tree_manifest.h"
#include "util/result.h"
#include "words/phrase.h"

namespace lectio {

struct Packed {
    Text refused;      // not empty: why, in one line; nothing was written
    TreeManifest tree; // without the manifest itself
};

// The folder as tar (POSIX, pax) and gzip into `output`. The same tree gives the same bytes: sorted, without times and
// owners, programs 755, other files 644. Refused, with the entry's name, is what unpack() would not take. busy: a file
// has changed meanwhile; the archive is of no use then. timeout: not done by `until`, or the process is to end.
Result<Packed> pack(const Path& folder, int output, Clock& clock, SteadyTime until);

} // namespace lectio

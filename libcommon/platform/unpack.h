// A build out of an archive: tar, plain or compressed by gzip, zstd, xz or bzip2, from a file or a pipe.
//
// What takes the archive apart (extract.h) is a child that may do nothing but write into the one folder, with limits on
// memory, processor time and descriptors. What it left there is then read back and judged here: names, links, and every
// byte by the manifest, where the archive brought one (pack.h); a tar that is whole but short is found by that alone.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/received.h"
#include "platform/users.h"
#include "util/result.h"

namespace lectio {

enum class TopFolder {
    strip, // one folder in which all lies, `tar cz build`, is taken away, and said
    keep,
};

// `input`: a descriptor that is read to its end. `into`: an empty folder, given to `as` (as root; else `as` must be
// ourselves); nothing is ever written outside it. A zip is refused: its table of contents comes last, so from a stream
// the same bytes can be read in two ways.
// timeout: not done by `until`, or the process is to end; a sender that stalls is not waited for any longer. The
// process may have other threads only where they sleep: the child allocates memory.
Result<Received> unpack(int input, const Path& into, const User& as, const ReceiveLimits& limits,
                        TopFolder top_folder, Clock& clock, SteadyTime until);

} // namespace lectio

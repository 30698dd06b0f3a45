// Files compressed and expanded by Zstandard (RFC 8878), whole and on the disk when the call returns.
//
// Both files are reached as in durable_file.h, and so are the kinds of Error; invalid: no such file, damaged, or without
// its end.
#pragma once

#include "platform/durable_file.h"

namespace lectio {

struct Compressed {
    FileDigest plain;  // what was read
    FileDigest packed; // what was written
};
// A frame with its checksum. `to` is new.
Result<Compressed> compress_file(const Path& from, const Path& to, Clock& clock, SteadyTime until);
// The digest is of what came out. `to` is new, and never larger than `limit` (too_large).
Result<FileDigest> expand_file(const Path& from, const Path& to, Bytes limit, Clock& clock, SteadyTime until);

} // namespace lectio

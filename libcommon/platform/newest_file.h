// newest_file: of the files that a pattern names, the one that was changed last.
#pragma once

#include "platform/files.h"

#include <cstdint>
#include <string>

namespace lectio {

struct NewestFile {
    std::string path; // empty: none that counts
    WallTime modified;
    Bytes size;
    std::uint64_t found = 0; // files that the pattern names
    std::string too_small;   // the newest of those that are smaller than asked
    Bytes too_small_size;
    bool cut = false;         // more names than were looked at
    std::string not_readable; // a folder that could not be looked into, and why
    std::string why;
};

// `pattern` is absolute; * ? [abc] in any part of it, never across a slash. Names that begin with a dot only where the
// pattern does. Links are followed; only regular files count. Blocks as long as the file system does.
NewestFile newest_file(Files& files, const std::string& pattern, Bytes at_least);
// The folder above the first wildcard.
Path folder_of_pattern(const std::string& pattern);

} // namespace lectio

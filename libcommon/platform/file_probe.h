// file_probe: what stands at a path, through a link and not, on a disk or on a mount that may hang.
#pragma once

#include "platform/stranded.h"

#include <array>
#include <cstdint>
#include <string>

#include <sys/types.h>

namespace lectio {

// Plain bytes, because a child may have to send it.
struct FileSighting {
    int error = 0;     // errno of the look at the path itself; 0: something is there
    bool link = false; // it is a symbolic link to `target`, and the rest is said of where that leads
    std::array<char, 512> target{}; // its beginning, ended by a zero
    int target_error = 0;           // errno of the look through the link
    mode_t mode = 0;                // type and permissions (inode(7))
    uid_t owner = 0;
    gid_t group = 0;
    std::uint64_t size = 0;
    std::int64_t modified = 0; // milliseconds since 1970
};

struct FileProbe {
    Stranded::Outcome outcome = Stranded::Outcome::answered;
    Error error;             // with `failed`
    std::string mount;       // "/mnt/media (nfs4)", where it lies on one that may hang
    std::string left_behind; // see Stranded
    FileSighting sighting;   // with `answered`
};

// Blocks as long as a disk of this host does; at most `timeout` where the path leads to another mount.
FileProbe file_probe(const Path& path, const std::vector<Mount>& mounts, Duration timeout,
                     const std::string& left_behind);

// Whose it is, as one would write it: "root:www-data"; a number where there is no name.
std::string owner_text(const FileSighting& sighting);

} // namespace lectio

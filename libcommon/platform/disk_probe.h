// disk_probe: the space of a mount that may hang, asked by a child that can be left behind (stranded.h). A disk of this
// host is asked by Host::disk().
#pragma once

#include "platform/stranded.h"

#include <string>

namespace lectio {

struct PatientDisk {
    Stranded::Outcome outcome = Stranded::Outcome::failed;
    DiskSpace space;         // with `answered`
    Error error;             // with `failed`; also what the file system itself says is wrong
    std::string left_behind; // see Stranded
};

// Blocks, at most `timeout`.
PatientDisk disk_in_child(const Path& path, Duration timeout, const std::string& left_behind);

} // namespace lectio

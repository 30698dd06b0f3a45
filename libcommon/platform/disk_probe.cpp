#include "platform/disk_probe.h"

#include <cerrno>

#include <fmt/format.h>

#include <sys/statvfs.h>

namespace lectio {
namespace {

struct Sighting {
    int error = 0;
    struct statvfs status {};
};

// As a Look: async-signal-safe.
void look_at_disk(const char* path, void* answer) {
    auto& sighting = *static_cast<Sighting*>(answer);
    sighting.error = ::statvfs(path, &sighting.status) == 0 ? 0 : errno;
}

} // namespace

PatientDisk disk_in_child(const Path& path, Duration timeout, const std::string& left_behind) {
    Sighting sighting;
    const Stranded asked = ask_in_child(look_at_disk, path, sighting, timeout, left_behind);
    PatientDisk disk{asked.outcome, {}, asked.error, asked.left_behind};
    if (asked.outcome != Stranded::Outcome::answered) {
        return disk;
    }
    if (sighting.error != 0) {
        disk.outcome = Stranded::Outcome::failed;
        disk.error = errno_error(fmt::format("examine the file system of {}", path.string()), sighting.error);
        return disk;
    }
    disk.space = disk_space_of(sighting.status);
    return disk;
}

} // namespace lectio

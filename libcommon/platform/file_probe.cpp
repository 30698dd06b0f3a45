#include "platform/file_probe.h"

#include <cerrno>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

void note(const struct stat& info, FileSighting& sighting) {
    sighting.mode = info.st_mode;
    sighting.owner = info.st_uid;
    sighting.group = info.st_gid;
    sighting.size = static_cast<std::uint64_t>(info.st_size);
    sighting.modified = std::int64_t{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000;
}

// As a Look: async-signal-safe.
void look_at_file(const char* path, void* answer) {
    auto& sighting = *static_cast<FileSighting*>(answer);
    struct stat info {};
    if (::lstat(path, &info) != 0) {
        sighting.error = errno;
        return;
    }
    note(info, sighting);
    if (!S_ISLNK(info.st_mode)) {
        return;
    }
    sighting.link = true;
    [[maybe_unused]] const ssize_t size =
        ::readlink(path, sighting.target.data(), sighting.target.size() - 1);
    if (::stat(path, &info) != 0) {
        sighting.target_error = errno;
        return;
    }
    note(info, sighting);
}

constexpr std::size_t k_entry = 4096; // a group with more members is shown as a number

} // namespace

FileProbe file_probe(const Path& path, const std::vector<Mount>& mounts, Duration timeout,
                     const std::string& left_behind) {
    FileProbe probe;
    const std::optional<Mount> mount = mount_that_may_hang(path, mounts);
    if (!mount) {
        look_at_file(path.c_str(), &probe.sighting);
        return probe;
    }
    const Stranded asked = ask_in_child(look_at_file, path, probe.sighting, timeout, left_behind);
    probe.outcome = asked.outcome;
    probe.error = asked.error;
    probe.mount = mount_name(*mount);
    probe.left_behind = asked.left_behind;
    return probe;
}

std::string owner_text(const FileSighting& sighting) {
    std::array<char, k_entry> buffer{};
    passwd user{};
    passwd* found_user = nullptr;
    ::getpwuid_r(sighting.owner, &user, buffer.data(), buffer.size(), &found_user);
    std::string text = found_user != nullptr ? user.pw_name : std::to_string(sighting.owner);
    group entry{};
    group* found_group = nullptr;
    ::getgrgid_r(sighting.group, &entry, buffer.data(), buffer.size(), &found_group);
    return text + ":" + (found_group != nullptr ? entry.gr_name : std::to_string(sighting.group));
}

} // namespace lectio

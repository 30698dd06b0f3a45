#include "backup/take_place.h"

#include <fmt/format.h>

namespace lectio::backup {
namespace {

bool is_same(const Result<FileInfo>& one, const Result<FileInfo>& other) {
    return one && other && one->device == other->device && one->inode == other->inode;
}

// A file system that cannot exchange two names: what stands there goes first. Either the new one is there then, or what was
// there is there again; only who is killed in between leaves neither.
Result<void> take_place_in_two_steps(const Path& prepared, const Path& path, const Path& beside,
                                     ReleaseDisk& disk, Path& aside) {
    LECTIO_TRY(disk.move(path, beside));
    const Result<void> moved = disk.move(prepared, path);
    const bool is_back = !moved && disk.move(beside, path);
    aside = is_back ? Path() : beside;
    return moved;
}

} // namespace

Path name_aside(const Path& path, const std::string& id, Files& files) {
    for (int number = 1;; ++number) {
        Path aside = path;
        aside += fmt::format(".before-{}{}", id, number == 1 ? "" : fmt::format("-{}", number));
        if (!files.info(aside, Files::Follow::no)) {
            return aside;
        }
    }
}

Result<void> take_place(const Path& prepared, const Path& path, const std::string& id, Files& files,
                        ReleaseDisk& disk, Path& aside) {
    aside.clear();
    const Result<FileInfo> old = files.info(path, Files::Follow::no);
    if (!old) {
        return disk.move(prepared, path);
    }
    // The new one takes the name aside first: what stood there never lies where it is prepared, which the next call sweeps.
    const Path beside = name_aside(path, id, files);
    LECTIO_TRY(disk.move(prepared, beside));
    const Result<void> exchanged = disk.exchange(beside, path);
    // Also where the names have changed and only the disk does not say for sure that it has written them.
    if (exchanged || is_same(old, files.info(beside, Files::Follow::no))) {
        aside = beside;
        return exchanged;
    }
    const Result<void> back = disk.move(beside, prepared);
    if (back && exchanged.error().kind == ErrorKind::invalid) {
        return take_place_in_two_steps(prepared, path, beside, disk, aside);
    }
    return exchanged;
}

} // namespace lectio::backup

#include "platform/files.h"

#include "platform/trusted_path.h"
#include "platform/write_all.h"
#include "util/text.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

Error at_path(std::string_view what, const Path& path) {
    return errno_error(fmt::format("{} {}", what, path.string()), errno);
}

Result<void> must_be_regular(const UniqueFd& fd, const Path& path) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
        return at_path("examine", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return Error{ErrorKind::invalid, fmt::format("unable to read {}: not a regular file", path.string())};
    }
    return {};
}

// To open a device is to act: root's open() arms a watchdog and rewinds a tape, and who owns a site may lay a link to
// one where its index.html is to be. So it is looked at first, by a descriptor without rights, and that very file opened.
Result<UniqueFd> open_regular(const Path& path) {
    const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    if (!place.valid()) {
        return at_path("open", path);
    }
    LECTIO_TRY(must_be_regular(place, path));
    constexpr int k_to_read = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    UniqueFd fd(::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), k_to_read));
    if (!fd.valid() && errno == ENOENT) { // no /proc
        fd = UniqueFd(::open(path.c_str(), k_to_read));
    }
    if (!fd.valid()) {
        return at_path("open", path);
    }
    LECTIO_TRY(must_be_regular(fd, path));
    return fd;
}

// `expected`: what is taken in one piece, as much as there is likely to be.
Result<std::string> read_at_most(int fd, const Path& path, Bytes limit, std::size_t expected = 65536) {
    std::string content;
    std::size_t filled = 0;
    while (filled < limit.count) {
        content.resize(filled + std::min<std::size_t>(expected, limit.count - filled));
        const ssize_t got = ::read(fd, content.data() + filled, content.size() - filled);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return at_path("read", path);
        }
        if (got == 0) {
            break;
        }
        filled += static_cast<std::size_t>(got);
    }
    content.resize(filled);
    return content;
}

// Private: whoever may read a file may also lock it, and so could keep every run from beginning.
constexpr mode_t k_lock_mode = 0600;

// flock asks for no right to write: where the file system has become read-only, the file that is there locks as
// ever. errno is that of the first attempt.
UniqueFd open_lock(const Path& path) {
    constexpr int k_always = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | k_always, k_lock_mode));
    if (!fd.valid() && errno == EROFS) {
        fd = UniqueFd(::open(path.c_str(), O_RDONLY | k_always));
        errno = EROFS;
    }
    return fd;
}

// Unique within the machine's life: process id and a counter; O_EXCL refuses the rest.
Path temporary_beside(const Path& path) {
    static std::atomic<unsigned> counter{0};
    return path.parent_path() /
           fmt::format(".tmp-{}-{}-{}", path.filename().string(), ::getpid(), counter.fetch_add(1));
}

Result<void> put_in_place(Files& files, const Path& temporary, const Path& path) {
    if (Result<void> renamed = files.rename(temporary, path); !renamed) {
        [[maybe_unused]] const Result<void> swept = files.remove(temporary);
        return renamed;
    }
    return files.sync_folder(path.parent_path());
}

Result<void> keep_as(Files& files, const Path& path, const Path& previous) {
    const Path temporary = temporary_beside(previous);
    const Result<void> linked = files.link(path, temporary);
    if (!linked) {
        return linked.error().kind == ErrorKind::not_found ? Result<void>{} : linked;
    }
    const Result<void> renamed = files.rename(temporary, previous);
    // Two names of one file: rename() then does nothing and leaves both (after a stop between the two
    // renames `previous` is `path` already).
    [[maybe_unused]] const Result<void> swept = files.remove(temporary);
    return renamed;
}

} // namespace

Result<std::string> SystemFiles::read(const Path& path, Bytes limit) {
    Result<UniqueFd> fd = open_regular(path);
    LECTIO_TRY(fd);
    // One byte more than allowed tells a file that is just as long from one that is longer.
    Result<std::string> content = read_at_most(fd->get(), path, {limit.count + 1});
    if (content && content->size() > limit.count) {
        return Error{ErrorKind::too_large,
                     fmt::format("unable to read {}: larger than {}", path.string(), format_size(limit))};
    }
    return content;
}

Result<std::string> SystemFiles::read_from(const Path& path, Bytes offset, Bytes limit) {
    // Who may write where a log lies could lead root to what only root may read, and it would be told and recorded.
    const bool may_be_led = ::geteuid() == 0 && path.is_absolute();
    Result<UniqueFd> fd = may_be_led ? open_trusted_file(path) : open_regular(path);
    LECTIO_TRY(fd);
    if (::lseek(fd->get(), static_cast<off_t>(offset.count), SEEK_SET) < 0) {
        return at_path("seek in", path);
    }
    return read_at_most(fd->get(), path, limit, limit.count);
}

Result<FileInfo> SystemFiles::info(const Path& path, Follow follow) {
    struct stat status {};
    const int flags = follow == Follow::yes ? 0 : AT_SYMLINK_NOFOLLOW;
    if (::fstatat(AT_FDCWD, path.c_str(), &status, flags) != 0) {
        return at_path("examine", path);
    }
    FileInfo info;
    if (S_ISREG(status.st_mode)) {
        info.type = FileInfo::Type::regular;
    } else if (S_ISDIR(status.st_mode)) {
        info.type = FileInfo::Type::folder;
    } else if (S_ISLNK(status.st_mode)) {
        info.type = FileInfo::Type::link;
    }
    info.size = {static_cast<std::uint64_t>(status.st_size)};
    info.mode = status.st_mode & 07777U;
    info.owner = status.st_uid;
    info.group = status.st_gid;
    info.modified = WallTime(std::chrono::seconds(status.st_mtim.tv_sec) +
                             std::chrono::milliseconds(status.st_mtim.tv_nsec / 1'000'000));
    info.device = status.st_dev;
    info.inode = status.st_ino;
    return info;
}

Result<std::vector<std::string>> SystemFiles::list(const Path& folder) {
    const UniqueFd probe(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK));
    DIR* stream = probe.valid() ? ::fdopendir(::fcntl(probe.get(), F_DUPFD_CLOEXEC, 0)) : nullptr;
    if (stream == nullptr) {
        return at_path("list", folder);
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
}

Result<void> SystemFiles::create_synced(const Path& path, std::string_view content, mode_t mode) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd.valid()) {
        return at_path("create", path);
    }
    Result<void> written = write_all(fd.get(), content) ? Result<void>{} : at_path("write", path);
    // The mode asked for, whatever the umask.
    if (written && ::fchmod(fd.get(), mode) != 0) {
        written = at_path("set the mode of", path);
    }
    if (written && ::fsync(fd.get()) != 0) {
        written = at_path("sync", path);
    }
    if (!written) {
        ::unlink(path.c_str());
    }
    return written;
}

Result<void> SystemFiles::rename(const Path& from, const Path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        return at_path(fmt::format("rename {} to", from.string()), to);
    }
    return {};
}

Result<void> SystemFiles::sync_folder(const Path& folder) {
    const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid() || ::fsync(fd.get()) != 0) {
        return at_path("sync", folder);
    }
    return {};
}

Result<void> SystemFiles::append(const Path& path, std::string_view content, mode_t mode) {
    UniqueFd fd(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode));
    if (!fd.valid()) {
        return at_path("open", path);
    }
    return write_all(fd.get(), content) ? Result<void>{} : at_path("write", path);
}

Result<void> SystemFiles::remove(const Path& path) {
    if (::unlink(path.c_str()) != 0) {
        return at_path("remove", path);
    }
    return {};
}

Result<void> SystemFiles::make_folders(const Path& folder, mode_t mode) {
    if (folder.has_parent_path() && folder.parent_path() != folder) {
        struct stat status {};
        if (::stat(folder.parent_path().c_str(), &status) != 0) {
            // Parents that are missing get the common mode; only the folder itself may be private.
            LECTIO_TRY(make_folders(folder.parent_path(), 0755));
        }
    }
    if (::mkdir(folder.c_str(), mode) == 0) {
        if (::chmod(folder.c_str(), mode) != 0) {
            return at_path("set the mode of", folder);
        }
        return {};
    }
    struct stat status {};
    const int reason = errno;
    if (reason == EEXIST && ::stat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
        return {};
    }
    return errno_error(fmt::format("make the folder {}", folder.string()), reason);
}

Result<void> SystemFiles::link(const Path& from, const Path& to) {
    if (::link(from.c_str(), to.c_str()) != 0) {
        return at_path(fmt::format("link {} to", from.string()), to);
    }
    return {};
}

Result<Lock> SystemFiles::lock(const Path& path, std::string_view tool, WallTime now) {
    UniqueFd fd = open_lock(path);
    if (!fd.valid()) {
        return at_path("open", path);
    }
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return at_path("lock", path);
        }
        const Result<std::string> holder = read_at_most(fd.get(), path, 256_B);
        const std::string words = holder ? clean_line(*holder) : std::string();
        return Error{ErrorKind::busy,
                     fmt::format("{} is held{}{}", path.string(), words.empty() ? "" : " by ", words)};
    }
    // Informational only: the lock is the flock, so a failure to write here changes nothing.
    const std::string words = fmt::format("{}, process {}, since {}\n", tool, ::getpid(), format_utc(now));
    if (::ftruncate(fd.get(), 0) == 0) {
        [[maybe_unused]] const ssize_t ignored = ::pwrite(fd.get(), words.data(), words.size(), 0);
    }
    return Lock(std::move(fd));
}

Result<void> write_atomically(Files& files, const Path& path, std::string_view content, mode_t mode) {
    const Path temporary = temporary_beside(path);
    LECTIO_TRY(files.create_synced(temporary, content, mode));
    return put_in_place(files, temporary, path);
}

Result<void> write_atomically_keeping(Files& files, const Path& path, const Path& previous,
                                      std::string_view content, mode_t mode) {
    // The new content first: where it cannot be written (disk full), nothing has changed.
    const Path temporary = temporary_beside(path);
    LECTIO_TRY(files.create_synced(temporary, content, mode));
    if (Result<void> kept = keep_as(files, path, previous); !kept) {
        [[maybe_unused]] const Result<void> swept = files.remove(temporary);
        return kept;
    }
    return put_in_place(files, temporary, path);
}

} // namespace lectio

#include "platform/release_disk.h"

#include "platform/folder_names.h"
#include "platform/remove_tree.h"
#include "platform/trusted_path.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_ours_alone = 0700;
constexpr std::string_view k_laying = ".lectio-laying-";

// A name in a folder that is held: what happens to it happens there, wherever its path leads by then.
struct Place {
    UniqueFd folder; // O_PATH
    std::string name;
    Path shown;
};

Result<Place> place_of(const Path& path) {
    if (!path.is_absolute() || !path.has_filename()) {
        return Error{ErrorKind::invalid,
                     fmt::format("{} is no place for a release", clean_line(path.string()))};
    }
    Result<UniqueFd> folder = open_trusted_folder(path.parent_path());
    LECTIO_TRY(folder);
    return Place{std::move(*folder), path.filename().string(), path};
}

Result<void> sync_folder(const Place& place) {
    const UniqueFd folder(::openat(place.folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool synced = folder.valid() && ::fsync(folder.get()) == 0;
    return synced ? Result<void>{} : unable("sync", place.shown.parent_path());
}

Result<void> write_whole_at_once(int file, std::string_view content, const Path& shown) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written == static_cast<ssize_t>(content.size())) {
        return {};
    }
    if (written >= 0) {
        errno = ENOSPC; // a disk takes all or has no room
    }
    return unable("write", shown);
}

// Below a folder that others may write to: no link on the way, no other mount.
UniqueFd open_below(int root, const std::string& below, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, below.c_str(), &how, sizeof how)));
}

struct NewFolders {
    mode_t mode = k_ours_alone;
    Owner owner{};
};

bool make_new_folder(int above, const char* name, const NewFolders& as) {
    if (::mkdirat(above, name, k_ours_alone) != 0) {
        return errno == EEXIST;
    }
    const UniqueFd made = open_below(above, name, O_RDONLY | O_DIRECTORY);
    constexpr auto k_as_it_is = static_cast<uid_t>(-1);
    return made.valid() &&
           ::fchown(made.get(), as.owner.user.value_or(k_as_it_is), as.owner.group.value_or(k_as_it_is)) ==
               0 &&
           ::fchmod(made.get(), as.mode) == 0;
}

// The folder of `below` under `root`, made where it is missing.
UniqueFd folder_for(int root, const Path& below, const NewFolders& as = {}) {
    const std::string parent = below.parent_path().empty() ? "." : below.parent_path().string();
    UniqueFd folder = open_below(root, parent, O_PATH | O_DIRECTORY);
    if (folder.valid() || errno != ENOENT) {
        return folder;
    }
    const UniqueFd above = folder_for(root, below.parent_path(), as);
    const std::string name = below.parent_path().filename().string();
    if (!above.valid() || !make_new_folder(above.get(), name.c_str(), as)) {
        return {};
    }
    return open_below(above.get(), name, O_PATH | O_DIRECTORY);
}

bool link_one(int from, int to, const std::string& path) {
    const UniqueFd source = open_below(from, path, O_PATH);
    struct stat seen {};
    if (!source.valid() || ::fstat(source.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) {
        return false;
    }
    const UniqueFd folder = folder_for(to, path);
    const std::string name = Path(path).filename().string();
    const std::string held = fmt::format("/proc/self/fd/{}", source.get());
    return folder.valid() &&
           (::linkat(AT_FDCWD, held.c_str(), folder.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0 ||
            errno == EEXIST);
}

// What a process holds below `root`: the first step of the path there.
class Users {
  public:
    explicit Users(const Path& root) : m_root(root.string() + "/") {}

    void look_at(const std::string& pid) {
        const std::string process = "/proc/" + pid;
        for (const char* held : {"/cwd", "/exe", "/root"}) {
            std::array<char, 4096> target{};
            const ssize_t size = ::readlink((process + held).c_str(), target.data(), target.size() - 1);
            if (size > 0) {
                note({target.data(), static_cast<std::size_t>(size)});
            }
        }
        const std::string maps = SystemFiles().read(process + "/maps", 16_MB).value_or({});
        for (const std::string_view line : split_lines(maps)) {
            const std::size_t path = line.find('/');
            if (path != std::string_view::npos) {
                note(line.substr(path));
            }
        }
    }

    [[nodiscard]] std::vector<std::string> names() const { return {m_names.begin(), m_names.end()}; }

  private:
    void note(std::string_view path) {
        if (path.starts_with(m_root)) {
            path.remove_prefix(m_root.size());
            m_names.emplace(path.substr(0, path.find('/')));
        }
    }

    std::string m_root;
    std::set<std::string> m_names;
};

} // namespace

Result<void> SystemReleaseDisk::append_synced(const Path& file, Bytes after, std::string_view content,
                                              mode_t mode) {
    const Result<Place> place = place_of(file);
    LECTIO_TRY(place);
    constexpr int k_flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    UniqueFd opened(::openat(place->folder.get(), place->name.c_str(), k_flags));
    const bool is_new = !opened.valid() && errno == ENOENT;
    if (is_new) {
        opened =
            UniqueFd(::openat(place->folder.get(), place->name.c_str(), k_flags | O_CREAT | O_EXCL, mode));
    }
    if (!opened.valid()) {
        return unable("open", file);
    }
    struct stat seen {};
    if (::fstat(opened.get(), &seen) != 0) {
        return unable("examine", file);
    }
    const auto size = static_cast<std::uint64_t>(seen.st_size);
    if (size < after.count) {
        return Error{ErrorKind::invalid, fmt::format("{} was cut short", clean_line(file.string()))};
    }
    if (size > after.count && ::ftruncate(opened.get(), static_cast<off_t>(after.count)) != 0) {
        return unable("cut", file);
    }
    LECTIO_TRY(write_whole_at_once(opened.get(), content, file));
    if (::fdatasync(opened.get()) != 0) {
        return unable("sync", file);
    }
    return is_new ? sync_folder(*place) : Result<void>{};
}

Result<ReleaseDisk::Named> SystemReleaseDisk::look_at(const Path& name) {
    const Result<Place> place = place_of(name);
    LECTIO_TRY(place);
    struct stat seen {};
    if (::fstatat(place->folder.get(), place->name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? Result<Named>(Named{}) : unable("examine", name);
    }
    if (S_ISDIR(seen.st_mode)) {
        return Named{Named::Kind::folder, {}};
    }
    if (!S_ISLNK(seen.st_mode)) {
        return Named{Named::Kind::other, {}};
    }
    std::array<char, 4096> target{};
    const ssize_t size = ::readlinkat(place->folder.get(), place->name.c_str(), target.data(), target.size());
    if (size < 0) {
        return unable("read the link", name);
    }
    return Named{Named::Kind::link, {target.data(), static_cast<std::size_t>(size)}};
}

Result<void> SystemReleaseDisk::lay_link(const Path& name, const std::string& target) {
    const Result<Place> place = place_of(name);
    LECTIO_TRY(place);
    if (::symlinkat(target.c_str(), place->folder.get(), place->name.c_str()) != 0) {
        return unable("lay the link", name);
    }
    return sync_folder(*place);
}

// A link that is laid beside and renamed over the other: readers find the one or the other at every moment.
Result<void> SystemReleaseDisk::point(const Path& name, const std::string& target) {
    const Result<Place> place = place_of(name);
    LECTIO_TRY(place);
    struct stat seen {};
    const bool there = ::fstatat(place->folder.get(), place->name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !S_ISLNK(seen.st_mode)) {
        return Error{ErrorKind::invalid, fmt::format("{} is no link", clean_line(name.string()))};
    }
    const std::string laying = fmt::format("{}{}", k_laying, place->name);
    if (::unlinkat(place->folder.get(), laying.c_str(), 0) != 0 && errno != ENOENT) {
        return unable("remove", name.parent_path() / laying);
    }
    if (::symlinkat(target.c_str(), place->folder.get(), laying.c_str()) != 0) {
        return unable("lay the link", name);
    }
    LECTIO_TRY(sync_folder(*place));
    if (::renameat(place->folder.get(), laying.c_str(), place->folder.get(), place->name.c_str()) != 0) {
        return unable("exchange the link", name);
    }
    return sync_folder(*place);
}

Result<void> SystemReleaseDisk::exchange(const Path& first, const Path& second) {
    const Result<Place> one = place_of(first);
    LECTIO_TRY(one);
    const Result<Place> other = place_of(second);
    LECTIO_TRY(other);
    if (::renameat2(one->folder.get(), one->name.c_str(), other->folder.get(), other->name.c_str(),
                    RENAME_EXCHANGE) != 0) {
        const bool is_unknown_here = errno == EINVAL;
        Error error = unable("exchange", first);
        error.kind = is_unknown_here ? ErrorKind::invalid : error.kind;
        return error;
    }
    LECTIO_TRY(sync_folder(*one));
    return sync_folder(*other);
}

Result<void> SystemReleaseDisk::make_folder(const Path& folder) {
    const Result<Place> place = place_of(folder);
    LECTIO_TRY(place);
    if (::mkdirat(place->folder.get(), place->name.c_str(), k_ours_alone) != 0) {
        return unable("make", folder);
    }
    return sync_folder(*place);
}

Result<void> SystemReleaseDisk::move(const Path& from, const Path& to) {
    const Result<Place> source = place_of(from);
    LECTIO_TRY(source);
    const Result<Place> target = place_of(to);
    LECTIO_TRY(target);
    if (::renameat2(source->folder.get(), source->name.c_str(), target->folder.get(), target->name.c_str(),
                    RENAME_NOREPLACE) != 0) {
        return unable("rename", from);
    }
    LECTIO_TRY(sync_folder(*target));
    return sync_folder(*source);
}

// Also when the process is to end: what is left lying is the next one's trouble, and this takes no time.
Result<void> SystemReleaseDisk::remove_tree(const Path& root) {
    const Result<Place> place = place_of(root);
    LECTIO_TRY(place);
    const Result<Removed> removed = remove_tree_in(place->folder.get(), place->name, root);
    const bool gone = removed || removed.error().kind == ErrorKind::not_found;
    return gone ? Result<void>{} : removed.error();
}

Result<void> SystemReleaseDisk::sync(const Path& folder) {
    const Result<UniqueFd> held = open_trusted_folder(folder);
    LECTIO_TRY(held);
    const UniqueFd opened(::openat(held->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool synced = opened.valid() && ::syncfs(opened.get()) == 0;
    return synced ? Result<void>{} : unable("sync", folder);
}

Result<std::vector<std::string>> SystemReleaseDisk::link_files(const Path& from, const Path& to,
                                                               const std::vector<std::string>& paths) {
    const Result<UniqueFd> source = open_trusted_folder(from);
    LECTIO_TRY(source);
    const Result<UniqueFd> target = open_trusted_folder(to);
    LECTIO_TRY(target);
    std::vector<std::string> left;
    for (const std::string& path : paths) {
        if (!link_one(source->get(), target->get(), path)) {
            left.push_back(path);
        }
    }
    return left;
}

Result<void> SystemReleaseDisk::lay_links(const Path& root, const std::vector<NewLink>& links) {
    const Result<UniqueFd> held = open_trusted_folder(root);
    LECTIO_TRY(held);
    struct stat seen {};
    if (::fstat(held->get(), &seen) != 0) {
        return unable("examine", root);
    }
    constexpr mode_t k_for_all_to_read = 0755;
    const bool is_root = ::geteuid() == 0;
    const NewFolders as{k_for_all_to_read, is_root ? Owner{seen.st_uid, seen.st_gid} : Owner{}};
    for (const NewLink& link : links) {
        const UniqueFd folder = folder_for(held->get(), link.path, as);
        const std::string name = Path(link.path).filename().string();
        if (!folder.valid() || ::symlinkat(link.target.c_str(), folder.get(), name.c_str()) != 0) {
            return unable("lay the link", root / link.path);
        }
    }
    if (is_root && seen.st_uid != 0) {
        constexpr mode_t k_sticky = 01775;
        const UniqueFd opened(::openat(held->get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!opened.valid() || ::fchown(opened.get(), 0, seen.st_gid) != 0 ||
            ::fchmod(opened.get(), k_sticky) != 0) {
            return unable("take hold of", root);
        }
    }
    return {};
}

Result<void> SystemReleaseDisk::touch(const Path& root, const std::vector<std::string>& paths,
                                      WallTime time) {
    const Result<UniqueFd> held = open_trusted_folder(root);
    LECTIO_TRY(held);
    timespec moment{};
    moment.tv_sec = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    const std::array<timespec, 2> times{moment, moment};
    for (const std::string& path : paths) {
        const UniqueFd file = open_below(held->get(), path, O_RDONLY | O_NONBLOCK);
        if (!file.valid() || ::futimens(file.get(), times.data()) != 0) {
            return unable("set the time of", root / path);
        }
    }
    return {};
}

Result<TreeRepair> SystemReleaseDisk::set_rights(const Path& root, const TreeRules& rules) {
    return repair_tree(root, rules, TreeMode::apply);
}

Result<ReleaseDisk::Room> SystemReleaseDisk::room(const Path& folder) {
    const Result<UniqueFd> held = open_trusted_folder(folder);
    LECTIO_TRY(held);
    struct statvfs seen {};
    if (::fstatvfs(held->get(), &seen) != 0) {
        return unable("examine the file system of", folder);
    }
    return Room{Bytes{seen.f_bavail * seen.f_frsize}, seen.f_favail};
}

Result<std::vector<std::string>> SystemReleaseDisk::in_use(const Path& folder) {
    const Result<UniqueFd> held = open_trusted_folder(folder);
    LECTIO_TRY(held);
    // As the kernel names it to those who ask for their working directory.
    std::array<char, 4096> real{};
    const std::string link = fmt::format("/proc/self/fd/{}", held->get());
    const ssize_t size = ::readlink(link.c_str(), real.data(), real.size() - 1);
    if (size < 0) {
        return unable("examine", folder);
    }
    Users users(Path(std::string(real.data(), static_cast<std::size_t>(size))));
    const Result<std::vector<std::string>> processes = SystemFiles().list("/proc");
    LECTIO_TRY(processes);
    for (const std::string& name : *processes) {
        if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
            users.look_at(name);
        }
    }
    return users.names();
}

} // namespace lectio

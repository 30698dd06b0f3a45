#include "platform/matched_files.h"

#include "platform/folder_names.h"
#include "platform/newest_file.h"
#include "platform/trusted_path.h"
#include "util/text.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::uint64_t k_most_names = 1'000'000; // each is a stat
constexpr std::uint64_t k_block = 512;            // of stx_blocks, stat(2)

WallTime time_of(const struct statx_timestamp& time) {
    using namespace std::chrono;
    return WallTime(duration_cast<milliseconds>(seconds(time.tv_sec) + nanoseconds(time.tv_nsec)));
}

dev_t device_of(const struct statx& seen) {
    return ::gnu_dev_makedev(seen.stx_dev_major, seen.stx_dev_minor);
}

Result<struct statx> look_at(int folder, const std::string& name, const Path& shown) {
    struct statx seen {};
    if (::statx(folder, name.c_str(),
                AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name.empty() ? AT_EMPTY_PATH : 0), STATX_BASIC_STATS,
                &seen) != 0) {
        return unable("examine", shown);
    }
    return seen;
}

// The same file system may be mounted at two places (bind), too.
bool is_mounted_there(const struct statx& seen, dev_t device) {
    return device_of(seen) != device || (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

FileInfo::Type type_of(const struct statx& seen) {
    return S_ISREG(seen.stx_mode)   ? FileInfo::Type::regular
           : S_ISDIR(seen.stx_mode) ? FileInfo::Type::folder
           : S_ISLNK(seen.stx_mode) ? FileInfo::Type::link
                                    : FileInfo::Type::other;
}

MatchedFile matched(const struct statx& seen, const Path& shown, const OpenFiles& open) {
    MatchedFile file;
    file.path = shown;
    file.type = type_of(seen);
    file.device = device_of(seen);
    file.inode = seen.stx_ino;
    file.names = seen.stx_nlink;
    file.owner = seen.stx_uid;
    file.size = {S_ISDIR(seen.stx_mode) ? 0 : seen.stx_size};
    file.on_disk = {S_ISDIR(seen.stx_mode) || seen.stx_nlink <= 1 ? seen.stx_blocks * k_block : 0};
    file.modified = time_of(seen.stx_mtime);
    file.changed = std::max(file.modified, time_of(seen.stx_ctime));
    if (const FileHolder* holder = open.holder(file.device, file.inode)) {
        file.in_use_by = fmt::format("{} ({})", holder->name, holder->pid);
    }
    return file;
}

bool same(const MatchedFile& then, const MatchedFile& now) {
    return then.type == now.type && then.device == now.device && then.inode == now.inode &&
           then.names == now.names && then.owner == now.owner && then.size == now.size &&
           then.modified == now.modified && then.changed == now.changed;
}

Error has_changed(const Path& shown) {
    return {ErrorKind::busy,
            fmt::format("unable to take {}: it has changed meanwhile", clean_line(shown.string()))};
}

// Somebody's /tmp of their own, mounted where only they see it.
bool is_private_temp(std::string_view name) {
    return name.starts_with("systemd-private-") || name.starts_with("snap-private-tmp");
}

UniqueFd step_into(int folder, const std::string& name) {
    return UniqueFd(::openat(folder, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

} // namespace

class MatchedFiles::Walk {
  public:
    Walk(const MatchedFiles& files, const OpenFiles& open) : m_files(files), m_open(open) {}

    Result<std::vector<MatchedFile>> go() {
        const Result<struct statx> base = look_at(m_files.m_base.get(), "", m_files.m_base_path);
        LECTIO_TRY(base);
        m_device = device_of(*base);
        LECTIO_TRY(descend(m_files.m_base.get(), m_files.m_base_path, 0));
        std::sort(m_found.begin(), m_found.end(),
                  [](const MatchedFile& a, const MatchedFile& b) { return a.path < b.path; });
        return std::move(m_found);
    }

    // A folder with all below: how young the youngest is, whether anything of it is held. nullopt: it cannot be known.
    std::optional<MatchedFile> whole(int parent, const std::string& name, const Path& shown) {
        const Result<struct statx> seen = look_at(parent, name, shown);
        if (!seen || is_mounted_there(*seen, m_device)) {
            return std::nullopt;
        }
        MatchedFile folder = matched(*seen, shown, m_open);
        return add_below(parent, name, shown, folder, 0) ? std::optional(std::move(folder)) : std::nullopt;
    }

    void stay_on(dev_t device) { m_device = device; }

  private:
    Result<void> descend(int folder, const Path& shown, std::size_t level) {
        const std::string& part = m_files.m_parts[level];
        const bool last = level + 1 == m_files.m_parts.size();
        const auto each = [&](int parent, const std::string& name) -> Result<void> {
            if (++m_seen > k_most_names) {
                return Error{ErrorKind::too_large,
                             fmt::format("unable to list {}: too many names", clean_line(shown.string()))};
            }
            const bool hidden = name.starts_with('.') && !part.starts_with('.'); // as a shell has it
            if (hidden || is_private_temp(name) || !wildcard_match(part, name)) {
                return {};
            }
            last ? take(parent, name, shown / name) : enter(parent, name, shown / name, level + 1);
            return m_failed ? Result<void>(*m_failed) : Result<void>{};
        };
        const Result<void> listed = for_each_name(folder, ".", shown, each);
        // Gone meanwhile, or not ours to look into: nothing there matches for us.
        const bool passed_over = !listed && level > 0 && listed.error().kind != ErrorKind::too_large;
        return passed_over ? Result<void>{} : listed;
    }

    void enter(int parent, const std::string& name, const Path& shown, std::size_t level) {
        const UniqueFd folder = step_into(parent, name);
        const Result<struct statx> seen =
            folder.valid() ? look_at(folder.get(), "", shown) : Result<struct statx>(unable("open", shown));
        if (seen && !is_mounted_there(*seen, m_device)) {
            const Result<void> below = descend(folder.get(), shown, level);
            m_failed = below ? std::nullopt : std::optional(below.error());
        }
    }

    void take(int parent, const std::string& name, const Path& shown) {
        const Result<struct statx> seen = look_at(parent, name, shown);
        if (!seen || is_mounted_there(*seen, m_device) || type_of(*seen) == FileInfo::Type::other) {
            return;
        }
        if (!S_ISDIR(seen->stx_mode)) {
            m_found.push_back(matched(*seen, shown, m_open));
        } else if (std::optional<MatchedFile> folder = whole(parent, name, shown)) {
            m_found.push_back(std::move(*folder));
        }
    }

    bool add_below(int parent, const std::string& name, const Path& shown, MatchedFile& folder, int depth) {
        bool known = depth < k_deepest_folder;
        const Result<void> listed =
            for_each_name(parent, name, shown, [&](int here, const std::string& below) -> Result<void> {
                const Result<struct statx> seen = look_at(here, below, shown / below);
                known = known && seen && ++m_seen <= k_most_names && !is_mounted_there(*seen, m_device) &&
                        type_of(*seen) != FileInfo::Type::other;
                if (!known) {
                    return has_changed(shown);
                }
                const MatchedFile one = matched(*seen, shown / below, m_open);
                folder.size.count += one.size.count;
                folder.on_disk.count += one.on_disk.count;
                folder.changed = std::max(folder.changed, one.changed);
                folder.in_use_by = folder.in_use_by.empty() ? one.in_use_by : folder.in_use_by;
                known = one.type != FileInfo::Type::folder ||
                        add_below(here, below, shown / below, folder, depth + 1);
                return known ? Result<void>{} : Result<void>(has_changed(shown));
            });
        return known && listed.ok();
    }

    const MatchedFiles& m_files;
    const OpenFiles& m_open;
    dev_t m_device = 0;
    std::uint64_t m_seen = 0;
    std::optional<Error> m_failed;
    std::vector<MatchedFile> m_found;
};

MatchedFiles::MatchedFiles(UniqueFd base, Path base_path, std::vector<std::string> parts)
    : m_base(std::move(base)), m_base_path(std::move(base_path)), m_parts(std::move(parts)) {}

Result<MatchedFiles> MatchedFiles::of(const std::string& pattern) {
    const Path base = folder_of_pattern(pattern);
    std::vector<std::string> parts;
    for (const Path& part : Path(pattern).lexically_relative(base)) {
        parts.push_back(part.string());
    }
    Result<UniqueFd> folder = open_trusted_folder(base);
    LECTIO_TRY(folder);
    return MatchedFiles(std::move(*folder), base, std::move(parts));
}

Result<std::vector<MatchedFile>> MatchedFiles::look(const OpenFiles& open) const {
    return Walk(*this, open).go();
}

Result<UniqueFd> MatchedFiles::folder_of(const MatchedFile& file) const {
    const Result<struct statx> base = look_at(m_base.get(), "", m_base_path);
    LECTIO_TRY(base);
    UniqueFd here(::openat(m_base.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const Path& step : file.path.parent_path().lexically_relative(m_base_path)) {
        if (step == "." || !here.valid()) {
            continue;
        }
        here = step_into(here.get(), step.string());
        const Result<struct statx> seen = here.valid() ? look_at(here.get(), "", file.path)
                                                       : Result<struct statx>(unable("open", file.path));
        if (!seen || is_mounted_there(*seen, device_of(*base))) {
            return has_changed(file.path);
        }
    }
    return here.valid() ? Result<UniqueFd>(std::move(here)) : has_changed(file.path);
}

Result<UniqueFd> MatchedFiles::open(const MatchedFile& file, int flags) const {
    const Result<UniqueFd> folder = folder_of(file);
    LECTIO_TRY(folder);
    UniqueFd opened(::openat(folder->get(), file.path.filename().c_str(),
                             flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!opened.valid()) {
        return errno == ELOOP ? has_changed(file.path) : unable("open", file.path);
    }
    const Result<struct statx> seen = look_at(opened.get(), "", file.path);
    LECTIO_TRY(seen);
    const MatchedFile now = matched(*seen, file.path, OpenFiles{});
    const bool is_it = now.type == FileInfo::Type::regular && now.device == file.device &&
                       now.inode == file.inode && now.names == file.names && now.owner == file.owner;
    return is_it ? Result<UniqueFd>(std::move(opened)) : has_changed(file.path);
}

Result<Removed> MatchedFiles::remove(const MatchedFile& file, const OpenFiles& open,
                                     const std::function<bool()>& may_go_on) const {
    const Result<UniqueFd> folder = folder_of(file);
    LECTIO_TRY(folder);
    const std::string name = file.path.filename().string();
    const Result<struct statx> seen = look_at(folder->get(), name, file.path);
    LECTIO_TRY(seen);
    std::optional<MatchedFile> now = matched(*seen, file.path, open);
    if (now->type == FileInfo::Type::folder) {
        Walk walk(*this, open);
        walk.stay_on(file.device);
        now = walk.whole(folder->get(), name, file.path);
    }
    if (!now || !same(file, *now) || !now->in_use_by.empty()) {
        return has_changed(file.path);
    }
    return remove_tree_in(folder->get(), name, file.path, may_go_on);
}

} // namespace lectio

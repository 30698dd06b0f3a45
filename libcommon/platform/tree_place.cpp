#include "platform/tree_place.h"

#include "platform/folder_names.h"
#include "platform/remove_tree.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_ours_alone = 0700;
constexpr std::string_view k_copying = "copying";
constexpr std::string_view k_replaced = "replaced";

class Copy {
  public:
    Copy(const TreeRules& rules, Clock& clock, SteadyTime until)
        : m_rules(rules), m_clock(clock), m_until(until) {}

    Result<void> folder(int from, const std::string& from_name, int to, const std::string& to_name,
                        const Path& shown, int depth) {
        struct stat seen {};
        if (::fstatat(from, from_name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
            return unable("examine", shown);
        }
        m_device = depth == 0 ? seen.st_dev : m_device;
        if (seen.st_dev != m_device) {
            return {}; // mounted there
        }
        if (depth > k_deepest_folder) {
            errno = ELOOP;
            return unable("go into", shown);
        }
        if (::mkdirat(to, to_name.c_str(), k_ours_alone) != 0) {
            return unable("copy", shown);
        }
        const UniqueFd made(::openat(to, to_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!made.valid()) {
            return unable("copy", shown);
        }
        LECTIO_TRY(for_each_name(from, from_name, shown, [&](int parent, const std::string& name) {
            return entry(parent, seen, name, made.get(), shown / name, depth);
        }));
        // Last, so that nobody enters before all is there.
        return finish(made.get(), m_rules.folders, shown);
    }

  private:
    Result<void> entry(int from, const struct stat& above, const std::string& name, int to, const Path& shown,
                       int depth) {
        if (stop_requested() || m_clock.steady() >= m_until) {
            return no_time_left("copy", shown);
        }
        struct stat seen {};
        if (::fstatat(from, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
            return unable("examine", shown);
        }
        if (S_ISDIR(seen.st_mode)) {
            return folder(from, name, to, name, shown, depth + 1);
        }
        if (S_ISLNK(seen.st_mode)) {
            return link(from, name, to, shown);
        }
        return S_ISREG(seen.st_mode) ? file(from, above, name, to, shown) : Result<void>{};
    }

    Result<void> file(int from, const struct stat& above, const std::string& name, int to,
                      const Path& shown) {
        // O_NONBLOCK: a FIFO may have been put there since it was looked at.
        const UniqueFd source(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        struct stat seen {};
        if (!source.valid() || ::fstat(source.get(), &seen) != 0) {
            return unable("open", shown);
        }
        if (!S_ISREG(seen.st_mode) || seen.st_dev != m_device) {
            return {}; // exchanged since it was looked at, or mounted there
        }
        if (may_be_laid_here(seen, above)) {
            return Error{
                ErrorKind::permission,
                fmt::format("unable to copy {}: it has more names (hard links), perhaps of another user",
                            clean_line(shown.string()))};
        }
        const UniqueFd copy(
            ::openat(to, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!copy.valid()) {
            return unable("copy", shown);
        }
        LECTIO_TRY(content(source.get(), copy.get(), shown));
        // The web server makes ETag and Last-Modified of it: browsers need not fetch again what they have.
        const std::array<timespec, 2> times{seen.st_atim, seen.st_mtim};
        [[maybe_unused]] const int kept = ::futimens(copy.get(), times.data());
        return finish(copy.get(), m_rules.files, shown);
    }

    static Result<void> content(int source, int copy, const Path& shown) {
        std::array<char, 65536> buffer{};
        for (;;) {
            const ssize_t got = ::read(source, buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got < 0) {
                return unable("read", shown);
            }
            if (got == 0) {
                return {};
            }
            LECTIO_TRY(write_all(copy, {buffer.data(), static_cast<std::size_t>(got)}, shown));
        }
    }

    static Result<void> write_all(int copy, std::string_view bytes, const Path& shown) {
        while (!bytes.empty()) {
            const ssize_t written = ::write(copy, bytes.data(), bytes.size());
            if (written < 0 && errno != EINTR) {
                return unable("copy", shown);
            }
            bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
        }
        return {};
    }

    // As whoever owns the site could have laid it; nothing here follows it.
    Result<void> link(int from, const std::string& name, int to, const Path& shown) const {
        std::array<char, 4096> target{};
        const ssize_t size = ::readlinkat(from, name.c_str(), target.data(), target.size() - 1);
        if (size < 0 || ::symlinkat(target.data(), to, name.c_str()) != 0) {
            return unable("copy", shown);
        }
        const bool owned = ::fchownat(to, name.c_str(), m_rules.owner.user.value_or(::geteuid()),
                                      m_rules.owner.group.value_or(::getegid()), AT_SYMLINK_NOFOLLOW) == 0;
        return owned ? Result<void>{} : unable("change the owner of", shown);
    }

    Result<void> finish(int copy, mode_t mode, const Path& shown) const {
        struct stat made {};
        if (::fstat(copy, &made) != 0) {
            return unable("examine", shown);
        }
        const uid_t user = m_rules.owner.user.value_or(made.st_uid);
        const gid_t group = m_rules.owner.group.value_or(made.st_gid);
        const bool owned = (made.st_uid == user && made.st_gid == group) || ::fchown(copy, user, group) == 0;
        if (!owned) {
            return unable("change the owner of", shown);
        }
        if (::fchmod(copy, mode) != 0) {
            return unable("change the mode of", shown);
        }
        return ::fsync(copy) == 0 ? Result<void>{} : unable("sync", shown);
    }

    const TreeRules& m_rules;
    Clock& m_clock;
    SteadyTime m_until;
    dev_t m_device = 0;
};

// Down from `folder` along folders only; the last step may be anything, and is not followed.
Result<UniqueFd> open_below(int folder, const Path& below, const Path& shown) {
    UniqueFd here(::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    for (const Path& step : below) {
        if (step == "..") {
            errno = EXDEV;
            return unable("open", shown / below);
        }
        if (here.valid() && !step.empty()) {
            here = UniqueFd(::openat(here.get(), step.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        }
    }
    return here.valid() ? Result<UniqueFd>(std::move(here)) : unable("open", shown / below);
}

std::string of_descriptor(const UniqueFd& fd) {
    return fmt::format("/proc/self/fd/{}", fd.get());
}

} // namespace

Result<HeldFolder> HeldFolder::hold(const Path& path) {
    Result<UniqueFd> folder = open_trusted_folder(path);
    LECTIO_TRY(folder);
    return HeldFolder(std::move(*folder), path);
}

Result<FileInfo> HeldFolder::info(const Path& below) const {
    const Result<UniqueFd> found = open_below(m_folder.get(), below, m_shown);
    LECTIO_TRY(found);
    return SystemFiles().info(of_descriptor(*found), Files::Follow::yes);
}

Result<std::string> HeldFolder::read(const Path& below, Bytes limit) const {
    const Result<UniqueFd> found = open_below(m_folder.get(), below, m_shown);
    LECTIO_TRY(found);
    return SystemFiles().read(of_descriptor(*found), limit);
}

Result<TreePlace> TreePlace::at(const Path& path) {
    Result<UniqueFd> parent = open_trusted_folder(path.parent_path());
    LECTIO_TRY(parent);
    return TreePlace(std::move(*parent), path);
}

Result<HeldFolder> TreePlace::stage(const HeldFolder& source, const std::string& aside,
                                    const TreeRules& rules, Clock& clock, SteadyTime until) {
    sweep();
    const std::string copying = hidden_name(k_copying);
    Result<void> done = Copy(rules, clock, until)
                            .folder(source.m_folder.get(), ".", m_parent.get(), copying, source.m_shown, 0);
    if (done &&
        ::renameat2(m_parent.get(), copying.c_str(), m_parent.get(), aside.c_str(), RENAME_NOREPLACE) != 0) {
        done = unable("rename the copy to", m_path.parent_path() / aside);
    }
    if (!done) {
        discard(copying);
        return done.error();
    }
    sync_parent();
    Result<UniqueFd> staged = open_below(m_parent.get(), aside, m_path.parent_path());
    LECTIO_TRY(staged);
    return HeldFolder(std::move(*staged), m_path.parent_path() / aside);
}

Result<void> TreePlace::exchange_with(const std::string& aside) {
    const std::string name = m_path.filename().string();
    const auto rename = [&](unsigned flags) {
        return ::renameat2(m_parent.get(), aside.c_str(), m_parent.get(), name.c_str(), flags) == 0;
    };
    bool done = rename(RENAME_EXCHANGE);
    if (!done && errno == ENOENT) {
        done = rename(RENAME_NOREPLACE);
    } else if (!done && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)) {
        LECTIO_TRY(by_three_renames(aside));
        done = true;
    }
    if (!done) {
        return unable("put a copy in place of", m_path);
    }
    sync_parent();
    return {};
}

// A process that is killed between the first two leaves nothing in the place; the copy is whole under `aside`, and
// whoever looks next finds the place empty.
Result<void> TreePlace::by_three_renames(const std::string& aside) const {
    const std::string name = m_path.filename().string();
    const std::string replaced = hidden_name(k_replaced);
    const auto rename = [&](const std::string& from, const std::string& to) {
        return ::renameat(m_parent.get(), from.c_str(), m_parent.get(), to.c_str()) == 0;
    };
    if (!rename(name, replaced)) {
        return unable("put a copy in place of", m_path);
    }
    if (!rename(aside, name)) {
        const Error error = unable("put a copy in place of", m_path);
        [[maybe_unused]] const bool back = rename(replaced, name);
        return error;
    }
    return rename(replaced, aside) ? Result<void>{} : unable("rename", m_path);
}

void TreePlace::discard(const std::string& aside) {
    // What cannot be removed stays hidden and is tried again before the next copy.
    [[maybe_unused]] const Result<Removed> removed =
        remove_tree_in(m_parent.get(), aside, m_path.parent_path() / aside);
}

void TreePlace::keep_last(std::size_t keep, const std::function<bool(std::string_view name)>& is_one) {
    std::vector<std::string> names;
    [[maybe_unused]] const Result<void> listed =
        for_each_name(m_parent.get(), ".", m_path.parent_path(), [&](int, const std::string& name) {
            if (is_one(name)) {
                names.push_back(name);
            }
            return Result<void>{};
        });
    std::sort(names.begin(), names.end());
    for (std::size_t i = 0; i + keep < names.size(); ++i) {
        discard(names[i]);
    }
}

// Only a copy that was never whole has such a name: nothing that anybody could still want.
void TreePlace::sweep() {
    const std::string left_behind = fmt::format(".{}.{}-", m_path.filename().string(), k_copying);
    [[maybe_unused]] const Result<void> listed =
        for_each_name(m_parent.get(), ".", m_path.parent_path(), [&](int, const std::string& name) {
            if (name.starts_with(left_behind)) {
                discard(name);
            }
            return Result<void>{};
        });
}

std::string TreePlace::hidden_name(std::string_view what) const {
    return fmt::format(".{}.{}-{}", m_path.filename().string(), what, ::getpid());
}

// The copy itself is on the disk. What a power cut may undo is its name, and then the next run does this again.
void TreePlace::sync_parent() const {
    const UniqueFd parent(::openat(m_parent.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.valid()) {
        [[maybe_unused]] const int synced = ::fsync(parent.get());
    }
}

} // namespace lectio

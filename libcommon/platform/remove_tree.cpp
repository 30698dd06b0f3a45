#include "platform/remove_tree.h"

#include "platform/folder_names.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <optional>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

// Somebody may be writing into a folder while it is emptied: a build that has just been killed.
constexpr int k_passes = 3;
constexpr std::uint64_t k_block = 512; // of stx_blocks, stat(2)
constexpr mode_t k_own_bits = S_IRWXU;

class Removal {
  public:
    explicit Removal(const std::function<bool()>& may_go_on) : m_may_go_on(may_go_on) {}

    Result<Removed> begin(int folder, const std::string& name, const Path& shown) {
        entry(folder, name, shown, 0);
        return m_failure ? Result<Removed>(*m_failure) : Result<Removed>(m_removed);
    }

  private:
    void entry(int parent, const std::string& name, const Path& shown, int depth) {
        if (m_ended || !m_may_go_on()) {
            m_ended = true;
            note(no_time_left("remove", shown));
            return;
        }
        struct statx seen {};
        if (::statx(parent, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
                    STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_BLOCKS, &seen) != 0) {
            if (depth == 0 || errno != ENOENT) {
                note(unable("remove", shown));
            }
            return;
        }
        if (!S_ISDIR(seen.stx_mode)) {
            remove(parent, name, shown, seen, 0);
        } else if (enter(seen, shown, depth)) {
            widen(parent, name, seen);
            empty(parent, name, shown, depth);
            remove(parent, name, shown, seen, AT_REMOVEDIR);
        }
    }

    // By the device for kernels before 5.8; the same file system may be mounted at two places (bind), too.
    bool enter(const struct statx& seen, const Path& shown, int depth) {
        const dev_t device = makedev_of(seen);
        m_device = depth == 0 ? device : m_device;
        if (device != m_device || (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
            errno = EBUSY;
        } else if (depth > k_deepest_folder) {
            errno = ELOOP;
        } else {
            return true;
        }
        note(unable("remove", shown));
        return false;
    }

    static dev_t makedev_of(const struct statx& seen) {
        return (dev_t{seen.stx_dev_major} << 32U) | seen.stx_dev_minor;
    }

    // A folder that its owner may not write to (a module cache) is its owner's to remove all the same.
    static void widen(int parent, const std::string& name, const struct statx& seen) {
        if ((seen.stx_mode & k_own_bits) == k_own_bits || ::geteuid() == 0) {
            return;
        }
        const UniqueFd held(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (held.valid()) {
            [[maybe_unused]] const int widened =
                ::chmod(fmt::format("/proc/self/fd/{}", held.get()).c_str(), k_own_bits);
        }
    }

    void empty(int parent, const std::string& name, const Path& shown, int depth) {
        for (int pass = 0; pass < k_passes; ++pass) {
            std::uint64_t seen = 0;
            const Result<void> listed =
                for_each_name(parent, name, shown, [&](int folder, const std::string& below) {
                    ++seen;
                    entry(folder, below, shown / below, depth + 1);
                    return Result<void>{};
                });
            if (!listed) {
                note(listed.error());
            }
            if (m_failure || seen == 0) {
                return;
            }
        }
    }

    void remove(int parent, const std::string& name, const Path& shown, const struct statx& seen, int flags) {
        if (::unlinkat(parent, name.c_str(), flags) == 0) {
            ++m_removed.entries;
            const bool last_name = flags == AT_REMOVEDIR || seen.stx_nlink <= 1;
            m_removed.freed.count += last_name ? seen.stx_blocks * k_block : 0;
        } else if (errno != ENOENT) {
            note(unable("remove", shown));
        }
    }

    void note(Error error) {
        if (!m_failure) {
            m_failure = std::move(error);
        }
    }

    const std::function<bool()>& m_may_go_on;
    dev_t m_device = 0;
    bool m_ended = false;
    std::optional<Error> m_failure;
    Removed m_removed;
};

} // namespace

Result<Removed> remove_tree(const Path& path, Clock& clock, SteadyTime until) {
    const Path name = path.filename();
    if (name.empty() || name == "." || name == "..") {
        return Error{ErrorKind::invalid, fmt::format("unable to remove {}: no name", path.string())};
    }
    const Result<UniqueFd> parent = open_trusted_folder(path.parent_path());
    LECTIO_TRY(parent);
    return remove_tree_in(parent->get(), name.string(), path,
                          [&] { return !stop_requested() && clock.steady() < until; });
}

Result<Removed> remove_tree_in(int folder, const std::string& name, const Path& shown,
                               const std::function<bool()>& may_go_on) {
    return Removal(may_go_on).begin(folder, name, shown);
}

} // namespace lectio

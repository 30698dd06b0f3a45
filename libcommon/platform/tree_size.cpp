#include "platform/tree_size.h"

#include "platform/stop.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace lectio {
namespace {

constexpr std::uint64_t k_block = 512;         // of st_blocks, whatever the file system's own is (stat(2))
constexpr int k_deepest = 200;                 // each level holds a descriptor
constexpr std::uint64_t k_between_looks = 256; // names between two looks at the clock

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using FolderStream = std::unique_ptr<DIR, CloseFolder>;

// Takes the descriptor, also when it fails.
FolderStream stream_of(UniqueFd folder) {
    FolderStream stream(::fdopendir(folder.get()));
    if (stream) {
        static_cast<void>(folder.release());
    }
    return stream;
}

class Sum {
  public:
    Sum(Clock& clock, SteadyTime until, dev_t device) : m_clock(clock), m_until(until), m_device(device) {}

    void folder(UniqueFd opened, int depth) {
        const FolderStream stream = stream_of(std::move(opened));
        if (!stream) {
            ++m_size.unread;
            return;
        }
        while (!m_late) {
            const dirent* entry = ::readdir(stream.get());
            if (entry == nullptr) {
                return;
            }
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") {
                one(::dirfd(stream.get()), entry->d_name, depth);
            }
        }
    }

    void count(const struct stat& seen) {
        const bool again =
            !S_ISDIR(seen.st_mode) && seen.st_nlink > 1 && !m_linked.insert(seen.st_ino).second;
        m_size.size.count += again ? 0 : static_cast<std::uint64_t>(seen.st_blocks) * k_block;
        m_size.length.count += again || !S_ISREG(seen.st_mode) ? 0 : static_cast<std::uint64_t>(seen.st_size);
    }

    [[nodiscard]] bool is_late() const { return m_late; }
    [[nodiscard]] const TreeSize& size() const { return m_size; }

  private:
    void one(int parent, const char* name, int depth) {
        if (++m_size.names % k_between_looks == 0) {
            m_late = m_clock.steady() >= m_until || stop_requested();
        }
        struct stat seen {};
        if (::fstatat(parent, name, &seen, AT_SYMLINK_NOFOLLOW) != 0 || seen.st_dev != m_device) {
            return;
        }
        count(seen);
        if (!S_ISDIR(seen.st_mode)) {
            return;
        }
        UniqueFd opened(
            depth < k_deepest ? ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1);
        if (opened.get() >= 0) {
            folder(std::move(opened), depth + 1);
        } else if (depth >= k_deepest || errno != ENOENT) {
            ++m_size.unread;
        }
    }

    Clock& m_clock;
    SteadyTime m_until;
    dev_t m_device;
    std::set<ino_t> m_linked;
    bool m_late = false;
    TreeSize m_size;
};

} // namespace

Result<TreeSize> tree_size(const Path& root, Clock& clock, SteadyTime until) {
    UniqueFd opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat seen {};
    if (opened.get() < 0 || ::fstat(opened.get(), &seen) != 0) {
        return errno_error(fmt::format("open {}", root.string()), errno);
    }
    Sum sum(clock, until, seen.st_dev);
    sum.count(seen);
    sum.folder(std::move(opened), 0);
    if (sum.is_late()) {
        return Error{ErrorKind::timeout, fmt::format("{} is not counted in time", root.string())};
    }
    return sum.size();
}

} // namespace lectio

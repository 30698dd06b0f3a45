#include "platform/trees.h"

#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <memory>
#include <string_view>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_most_examples = 5;
// Each level holds a descriptor; a site is a dozen deep, and what is deeper than this is no site.
constexpr int k_deepest = 200;
constexpr mode_t k_mode_bits = 07777; // set-user-ID and sticky bits included: they go, too

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using FolderStream = std::unique_ptr<DIR, CloseFolder>;

class Walk {
  public:
    Walk(const TreeRules& rules, TreeMode mode) : m_rules(rules), m_mode(mode) {}

    Result<TreeRepair> begin(const Path& root);

  private:
    void folder(int parent, const std::string& name, const std::string& shown, int depth);
    void entries(FolderStream stream, const struct stat& folder, const std::string& shown, int depth);
    void entry(int parent, const struct stat& folder, const std::string& name, const std::string& shown,
               int depth);
    void file(int parent, const struct stat& folder, const std::string& name, const std::string& shown,
              const struct stat& seen);
    void mend(int parent, const std::string& name, const std::string& shown, const struct stat& seen,
              mode_t wanted);
    bool change(int path_descriptor, const struct stat& seen, mode_t wanted, const std::string& shown);
    [[nodiscard]] bool wrong_owner(const struct stat& seen) const;
    [[nodiscard]] bool is_wrong(const struct stat& seen, mode_t wanted) const;
    void note_example(const std::string& shown, const struct stat& seen, mode_t wanted);
    void fail(std::string_view what, const std::string& shown);
    void fail(const std::string& words);

    const TreeRules& m_rules;
    TreeMode m_mode;
    dev_t m_device = 0;
    TreeRepair m_repair;
};

bool wrong_mode(const struct stat& seen, mode_t wanted) {
    return (seen.st_mode & k_mode_bits) != wanted;
}

Result<TreeRepair> Walk::begin(const Path& root) {
    const Result<UniqueFd> top = open_trusted_folder(root);
    LECTIO_TRY(top);
    struct stat seen {};
    if (::fstat(top->get(), &seen) != 0) {
        return errno_error(fmt::format("open {}", root.string()), errno);
    }
    m_device = seen.st_dev;
    folder(top->get(), ".", ".", 0);
    return std::move(m_repair);
}

void Walk::folder(int parent, const std::string& name, const std::string& shown, int depth) {
    if (depth > k_deepest || stop_requested()) {
        errno = depth > k_deepest ? ELOOP : ECANCELED;
        fail("go into", shown);
        return;
    }
    struct stat seen {};
    if (::fstatat(parent, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        fail("examine", shown);
        return;
    }
    ++m_repair.examined;
    // Before its content: without the right mode a user who is not root cannot go in.
    mend(parent, name, shown, seen, m_rules.folders);
    const int opened = ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    FolderStream stream(opened < 0 ? nullptr : ::fdopendir(opened));
    if (!stream) {
        fail("open", shown);
        if (opened >= 0) {
            ::close(opened);
        }
        return;
    }
    entries(std::move(stream), seen, shown, depth);
}

// `folder` as it was before it was mended: that tells who could write to it so far.
void Walk::entries(FolderStream stream, const struct stat& folder, const std::string& shown, int depth) {
    const std::string prefix = depth == 0 ? std::string() : shown + "/";
    const int parent = ::dirfd(stream.get());
    for (;;) {
        errno = 0;
        const dirent* next = ::readdir(stream.get());
        if (next == nullptr) {
            if (errno != 0) {
                fail("list", shown);
            }
            return;
        }
        const std::string_view name = next->d_name;
        if (name == "." || name == "..") {
            continue;
        }
        entry(parent, folder, next->d_name, prefix + next->d_name, depth);
    }
}

void Walk::entry(int parent, const struct stat& folder, const std::string& name, const std::string& shown,
                 int depth) {
    struct stat seen {};
    if (::fstatat(parent, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) { // gone since it was listed: a site may be worked on meanwhile
            fail("examine", shown);
        }
        return;
    }
    if (seen.st_dev != m_device) {
        return;
    }
    if (S_ISDIR(seen.st_mode)) {
        this->folder(parent, name, shown, depth + 1);
    } else if (S_ISREG(seen.st_mode)) {
        file(parent, folder, name, shown, seen);
    }
    // Links, sockets, devices: neither theirs to be served nor ours to be changed.
}

void Walk::file(int parent, const struct stat& folder, const std::string& name, const std::string& shown,
                const struct stat& seen) {
    ++m_repair.examined;
    if (is_wrong(seen, m_rules.files) && may_be_laid_here(seen, folder)) {
        fail(fmt::format("unable to change {}: it has more names (hard links), perhaps of another user",
                         clean_line(shown)));
        return;
    }
    mend(parent, name, shown, seen, m_rules.files);
}

void Walk::mend(int parent, const std::string& name, const std::string& shown, const struct stat& seen,
                mode_t wanted) {
    if (!is_wrong(seen, wanted)) {
        return;
    }
    note_example(shown, seen, wanted);
    if (m_mode == TreeMode::report) {
        ++m_repair.changed;
        return;
    }
    // From here on by this descriptor alone: whatever is put under the name meanwhile is not touched.
    const UniqueFd held(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat now {};
    if (!held.valid() || ::fstat(held.get(), &now) != 0) {
        fail("open", shown);
        return;
    }
    if (now.st_ino != seen.st_ino || now.st_dev != seen.st_dev) {
        errno = ESTALE; // exchanged between the two looks
        fail("change", shown);
        return;
    }
    m_repair.changed += change(held.get(), now, wanted, shown) ? 1 : 0;
}

bool Walk::change(int path_descriptor, const struct stat& seen, mode_t wanted, const std::string& shown) {
    const bool owned =
        !wrong_owner(seen) || ::fchownat(path_descriptor, "", m_rules.owner.user.value_or(seen.st_uid),
                                         m_rules.owner.group.value_or(seen.st_gid), AT_EMPTY_PATH) == 0;
    if (!owned) {
        fail("change the owner of", shown);
    }
    // After the owner, whose change clears bits; and even if that failed: the site may be readable by this
    // alone. fchmod() refuses O_PATH descriptors; their /proc name leads to the very file that is held.
    const bool allowed = !wrong_mode(seen, wanted) ||
                         ::chmod(fmt::format("/proc/self/fd/{}", path_descriptor).c_str(), wanted) == 0;
    if (!allowed && owned) {
        fail("change the mode of", shown);
    }
    return owned && allowed;
}

bool Walk::wrong_owner(const struct stat& seen) const {
    return m_rules.owner.user.value_or(seen.st_uid) != seen.st_uid ||
           m_rules.owner.group.value_or(seen.st_gid) != seen.st_gid;
}

bool Walk::is_wrong(const struct stat& seen, mode_t wanted) const {
    return wrong_mode(seen, wanted) || wrong_owner(seen);
}

void Walk::note_example(const std::string& shown, const struct stat& seen, mode_t wanted) {
    if (m_repair.examples.size() >= k_most_examples) {
        return;
    }
    std::string words = clean_line(shown);
    if (wrong_mode(seen, wanted)) {
        words += fmt::format(" {:03o} → {:03o}", seen.st_mode & k_mode_bits, wanted);
    }
    if (wrong_owner(seen)) {
        words +=
            fmt::format(" {}:{} → {}:{}", seen.st_uid, seen.st_gid, m_rules.owner.user.value_or(seen.st_uid),
                        m_rules.owner.group.value_or(seen.st_gid));
    }
    m_repair.examples.push_back(std::move(words));
}

void Walk::fail(std::string_view what, const std::string& shown) {
    fail(errno_error(fmt::format("{} {}", what, clean_line(shown)), errno).message);
}

void Walk::fail(const std::string& words) {
    if (m_repair.failed++ == 0) {
        m_repair.first_failure = words;
    }
}

} // namespace

bool may_be_laid_here(const struct stat& file, const struct stat& folder) {
    const bool by_owner_alone = file.st_uid == folder.st_uid && (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    return file.st_nlink > 1 && !by_owner_alone;
}

Result<TreeRepair> repair_tree(const Path& root, const TreeRules& rules, TreeMode mode) {
    return Walk(rules, mode).begin(root);
}

} // namespace lectio

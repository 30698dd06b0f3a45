#include "platform/trees.h"

#include "platform/folder_names.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <string_view>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_most_examples = 5;
constexpr mode_t k_mode_bits = 07777; // set-user-ID and sticky bits included: they go, too

// chmod of what an O_PATH descriptor holds. Since Linux 6.6 there is a call for it, which glibc 2.36 does not know yet;
// before, fchmod() refuses such descriptors, but their /proc name leads to the very file that is held.
int change_mode(int held, mode_t mode) {
    constexpr long k_fchmodat2 = 452; // the same on every architecture
    if (::syscall(k_fchmodat2, held, "", mode, AT_EMPTY_PATH) == 0) {
        return 0;
    }
    return errno == ENOSYS || errno == EPERM || errno == EINVAL
               ? ::chmod(fmt::format("/proc/self/fd/{}", held).c_str(), mode)
               : -1;
}

// A site has tens of thousands of entries, and all of them are right: that is what has to be fast. Nothing is allocated
// for an entry, and its path is put together only where it is told.
class Walk {
  public:
    Walk(const TreeRules& rules, TreeMode mode) : m_rules(rules), m_mode(mode) {}

    Result<TreeRepair> begin(const Path& root);

  private:
    void folder(int parent, const char* name, const struct stat& seen, int depth);
    void entries(FolderStream stream, const struct stat& folder, int depth);
    void entry(int parent, const struct stat& folder, const char* name, int depth);
    void file(int parent, const struct stat& folder, const char* name, const struct stat& seen);
    void mend(int parent, const char* name, const struct stat& seen, mode_t wanted);
    bool change(int path_descriptor, const char* name, const struct stat& seen, mode_t wanted);
    [[nodiscard]] bool has_seen_enough() const;
    [[nodiscard]] bool wrong_owner(const struct stat& seen) const;
    [[nodiscard]] bool is_wrong(const struct stat& seen, mode_t wanted) const;
    [[nodiscard]] std::string shown(const char* name) const;
    void note_example(const char* name, const struct stat& seen, mode_t wanted);
    void fail(std::string_view what, const char* name);
    void fail(const std::string& words);

    const TreeRules& m_rules;
    TreeMode m_mode;
    dev_t m_device = 0;
    std::string m_inside; // the folder that is walked through: "static/js/"; empty: the root
    TreeRepair m_repair;
};

bool is_same_file(const struct stat& a, const struct stat& b) {
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

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
    folder(top->get(), ".", seen, 0);
    return std::move(m_repair);
}

void Walk::folder(int parent, const char* name, const struct stat& seen, int depth) {
    if (depth > k_deepest_folder || stop_requested()) {
        errno = depth > k_deepest_folder ? ELOOP : ECANCELED;
        fail("go into", name);
        return;
    }
    ++m_repair.examined;
    // Before its content: without the right mode a user who is not root cannot go in.
    mend(parent, name, seen, m_rules.folders);
    FolderStream stream = open_folder(parent, name);
    struct stat now {};
    if (!stream || ::fstat(::dirfd(stream.get()), &now) != 0) {
        fail("open", name);
        return;
    }
    if (!is_same_file(now, seen)) {
        errno = ESTALE; // exchanged between the two looks
        fail("open", name);
        return;
    }
    const std::size_t outside = m_inside.size();
    if (depth > 0) {
        m_inside.append(name) += '/';
    }
    entries(std::move(stream), seen, depth);
    m_inside.resize(outside);
}

// `folder` as it was before it was mended: that tells who could write to it so far.
void Walk::entries(FolderStream stream, const struct stat& folder, int depth) {
    const int parent = ::dirfd(stream.get());
    while (!has_seen_enough()) {
        errno = 0;
        const dirent* next = ::readdir(stream.get());
        if (next == nullptr) {
            if (errno != 0) {
                fail("list", ".");
            }
            return;
        }
        const std::string_view name = next->d_name;
        if (name != "." && name != "..") {
            entry(parent, folder, next->d_name, depth);
        }
    }
}

bool Walk::has_seen_enough() const {
    return m_mode == TreeMode::look && m_repair.changed + m_repair.failed > 0;
}

void Walk::entry(int parent, const struct stat& folder, const char* name, int depth) {
    struct stat seen {};
    if (::fstatat(parent, name, &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) { // gone since it was listed: a site may be worked on meanwhile
            fail("examine", name);
        }
        return;
    }
    if (seen.st_dev != m_device) {
        return;
    }
    if (S_ISDIR(seen.st_mode)) {
        this->folder(parent, name, seen, depth + 1);
    } else if (S_ISREG(seen.st_mode)) {
        file(parent, folder, name, seen);
    }
    // Links, sockets, devices: neither theirs to be served nor ours to be changed.
}

void Walk::file(int parent, const struct stat& folder, const char* name, const struct stat& seen) {
    ++m_repair.examined;
    if (is_wrong(seen, m_rules.files) && may_be_laid_here(seen, folder)) {
        fail(fmt::format("unable to change {}: it has more names (hard links), perhaps of another user",
                         shown(name)));
        return;
    }
    mend(parent, name, seen, m_rules.files);
}

void Walk::mend(int parent, const char* name, const struct stat& seen, mode_t wanted) {
    if (!is_wrong(seen, wanted)) {
        return;
    }
    note_example(name, seen, wanted);
    if (m_mode == TreeMode::look) {
        ++m_repair.changed;
        return;
    }
    // From here on by this descriptor alone: whatever is put under the name meanwhile is not touched.
    const UniqueFd held(::openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat now {};
    if (!held.valid() || ::fstat(held.get(), &now) != 0) {
        fail("open", name);
        return;
    }
    if (!is_same_file(now, seen)) {
        errno = ESTALE; // exchanged between the two looks
        fail("change", name);
        return;
    }
    m_repair.changed += change(held.get(), name, now, wanted) ? 1 : 0;
}

bool Walk::change(int path_descriptor, const char* name, const struct stat& seen, mode_t wanted) {
    const bool owned =
        !wrong_owner(seen) || ::fchownat(path_descriptor, "", m_rules.owner.user.value_or(seen.st_uid),
                                         m_rules.owner.group.value_or(seen.st_gid), AT_EMPTY_PATH) == 0;
    if (!owned) {
        fail("change the owner of", name);
    }
    // After the owner, whose change clears bits; and even if that failed: the site may be readable by this
    // alone.
    const bool allowed = !wrong_mode(seen, wanted) || change_mode(path_descriptor, wanted) == 0;
    if (!allowed && owned) {
        fail("change the mode of", name);
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

// "." is the folder that is walked through.
std::string Walk::shown(const char* name) const {
    const std::string path = m_inside + name;
    return clean_line(path.ends_with("/.") ? path.substr(0, path.size() - 2) : path);
}

void Walk::note_example(const char* name, const struct stat& seen, mode_t wanted) {
    if (m_repair.examples.size() >= k_most_examples) {
        return;
    }
    std::string words = shown(name);
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

void Walk::fail(std::string_view what, const char* name) {
    const int error_number = errno;
    fail(errno_error(fmt::format("{} {}", what, shown(name)), error_number).message);
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

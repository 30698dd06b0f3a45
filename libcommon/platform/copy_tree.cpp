#include "platform/copy_tree.h"

#include "platform/build_rules.h"
#include "platform/folder_names.h"
#include "platform/stop.h"
#include "platform/trusted_path.h"
#include "platform/write_all.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr mode_t k_ours_alone = 0700;
constexpr mode_t k_program = 0755;

class Copy {
  public:
    Copy(const CopyRules& rules, Clock& clock, SteadyTime until)
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
        const std::size_t outside = m_below.size();
        LECTIO_TRY(for_each_name(from, from_name, shown, [&](int parent, const std::string& name) {
            m_below.append(outside == 0 ? "" : "/").append(name);
            Result<void> done = m_rules.leave_out && m_rules.leave_out(m_below)
                                    ? Result<void>{}
                                    : entry(parent, seen, name, made.get(), shown / name, depth);
            m_below.resize(outside);
            return done;
        }));
        // Last, so that nobody enters before all is there.
        return finish(made.get(), m_rules.tree.folders, shown);
    }

  private:
    Result<void> entry(int from, const struct stat& above, const std::string& name, int to, const Path& shown,
                       int depth) {
        LECTIO_TRY(still_time(shown));
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
        const bool program = (seen.st_mode & S_IXUSR) != 0 && m_rules.programs;
        const mode_t mode = program ? *m_rules.programs : m_rules.tree.files;
        if (m_rules.times == CopyRules::Times::now) {
            return finish(copy.get(), mode, shown);
        }
        // The web server makes ETag and Last-Modified of it: browsers need not fetch again what they have.
        const std::array<timespec, 2> times{seen.st_atim, seen.st_mtim};
        [[maybe_unused]] const int kept = ::futimens(copy.get(), times.data());
        return finish(copy.get(), mode, shown);
    }

    Result<void> content(int source, int copy, const Path& shown) const {
        std::array<char, 65536> buffer{};
        for (;;) {
            LECTIO_TRY(still_time(shown));
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
            if (!write_all(copy, {buffer.data(), static_cast<std::size_t>(got)})) {
                return unable("copy", shown);
            }
        }
    }

    // As whoever owns the site could have laid it; nothing here follows it.
    Result<void> link(int from, const std::string& name, int to, const Path& shown) const {
        std::array<char, 4096> target{};
        const ssize_t size = ::readlinkat(from, name.c_str(), target.data(), target.size() - 1);
        if (size < 0 || ::symlinkat(target.data(), to, name.c_str()) != 0) {
            return unable("copy", shown);
        }
        const bool owned =
            ::fchownat(to, name.c_str(), m_rules.tree.owner.user.value_or(::geteuid()),
                       m_rules.tree.owner.group.value_or(::getegid()), AT_SYMLINK_NOFOLLOW) == 0;
        return owned ? Result<void>{} : unable("change the owner of", shown);
    }

    [[nodiscard]] Result<void> still_time(const Path& shown) const {
        return stop_requested() || m_clock.steady() >= m_until ? no_time_left("copy", shown) : Result<void>{};
    }

    Result<void> finish(int copy, mode_t mode, const Path& shown) const {
        struct stat made {};
        if (::fstat(copy, &made) != 0) {
            return unable("examine", shown);
        }
        const uid_t user = m_rules.tree.owner.user.value_or(made.st_uid);
        const gid_t group = m_rules.tree.owner.group.value_or(made.st_gid);
        const bool owned = (made.st_uid == user && made.st_gid == group) || ::fchown(copy, user, group) == 0;
        if (!owned) {
            return unable("change the owner of", shown);
        }
        if (::fchmod(copy, mode) != 0) {
            return unable("change the mode of", shown);
        }
        const bool synced = m_rules.sync == CopyRules::Sync::none || ::fsync(copy) == 0;
        return synced ? Result<void>{} : unable("sync", shown);
    }

    const CopyRules& m_rules;
    Clock& m_clock;
    SteadyTime m_until;
    dev_t m_device = 0;
    std::string m_below; // the entry at hand, from the source's folder
};

} // namespace

Result<void> copy_folder(int from, const std::string& from_name, int to, const std::string& to_name,
                         const Path& shown, const CopyRules& rules, Clock& clock, SteadyTime until) {
    return Copy(rules, clock, until).folder(from, from_name, to, to_name, shown, 0);
}

Result<Received> copy_tree(const Path& source, const Path& into, const User& as, const ReceiveLimits& limits,
                           Clock& clock, SteadyTime until,
                           const std::function<bool(std::string_view below)>& leave_out) {
    const Result<UniqueFd> from = open_trusted_folder(source);
    LECTIO_TRY(from);
    const Result<UniqueFd> to = open_trusted_folder(into.parent_path());
    LECTIO_TRY(to);
    TreeReading reading;
    reading.most_entries = limits.entries;
    reading.most_bytes = limits.total;
    reading.leave_out = leave_out;
    const Result<TreeManifest> before = read_tree_in(from->get(), source, clock, until, reading);
    LECTIO_TRY(before);
    Received received;
    received.kind = "folder";
    received.refused = why_not_tree(*before, limits);
    if (!received.refused.empty()) {
        return received;
    }
    CopyRules rules;
    rules.tree.owner = {as.uid, as.gid};
    rules.programs = k_program;
    rules.times = CopyRules::Times::now; // what a cache knows by its time is anew what it is
    rules.sync = CopyRules::Sync::none;
    rules.leave_out = leave_out;
    const std::string name = into.filename().string();
    LECTIO_TRY(copy_folder(from->get(), ".", to->get(), name, source, rules, clock, until));
    const UniqueFd made(::openat(to->get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made.valid()) {
        return unable("open", into);
    }
    Result<TreeManifest> copied = read_tree_in(made.get(), into, clock, until);
    LECTIO_TRY(copied);
    if (!compare(*before, *copied).empty()) {
        return Error{ErrorKind::busy, fmt::format("unable to copy {}: it changes while it is read",
                                                  clean_line(source.string()))};
    }
    received.tree = std::move(*copied);
    return received;
}

} // namespace lectio

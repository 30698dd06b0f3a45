#include "platform/stranded.h"

#include "platform/dial.h"
#include "platform/proc_text.h"
#include "util/path.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <deque>

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr int k_most_links = 40;          // as the kernel
constexpr Duration k_for_dying{500};      // after SIGKILL, what can die is gone by then, on a busy server too
constexpr int k_pipe = STDERR_FILENO + 1; // of the child

// ── mounts ──────────────────────────────────────────────────────────────────────────────────────────────────────

bool may_hang(const Mount& mount) {
    constexpr std::array<std::string_view, 15> k_types{
        "nfs",  "nfs4", "cifs",    "smb3",     "smbfs",  "ceph",   "9p",       "afs",
        "coda", "fuse", "fuseblk", "virtiofs", "lustre", "autofs", "glusterfs"};
    // When the root hangs, so does everything else: no child could even be started.
    return mount.folder != "/" && (mount.type.starts_with("fuse.") ||
                                   std::find(k_types.begin(), k_types.end(), mount.type) != k_types.end());
}

// The later of two on one folder hides the other.
const Mount* mount_of(const std::string& path, const std::vector<Mount>& mounts) {
    const Mount* found = nullptr;
    for (const Mount& mount : mounts) {
        if (lies_in(path, mount.folder) &&
            (found == nullptr || mount.folder.size() >= found->folder.size())) {
            found = &mount;
        }
    }
    return found;
}

std::deque<std::string> steps_of(const Path& path) {
    std::deque<std::string> steps;
    for (const Path& step : path.relative_path()) {
        steps.push_back(step.string());
    }
    return steps;
}

// ── the child: only async-signal-safe calls ─────────────────────────────────────────────────────────────────────

// Away from the terminal, the standard output that cron waits for the end of, the locks and all else of ours.
[[noreturn]] void be_the_child(Look look, const char* path, void* answer, std::size_t size, int null,
                               int pipe) {
    ::setsid();
    const bool alone = ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(null, STDOUT_FILENO) >= 0 &&
                       ::dup2(null, STDERR_FILENO) >= 0 && (pipe == k_pipe || ::dup2(pipe, k_pipe) >= 0) &&
                       ::close_range(k_pipe + 1, ~0U, 0) == 0;
    if (alone) {
        look(path, answer);
        ::_exit(::write(k_pipe, answer, size) == static_cast<ssize_t>(size) ? 0 : 1);
    }
    ::_exit(1);
}

// ── the parent ──────────────────────────────────────────────────────────────────────────────────────────────────

// "PID/START": together they name a process for good.
std::string mark_of(pid_t pid) {
    const std::optional<ProcessStat> stat = process_stat(pid);
    return stat ? fmt::format("{}/{}", pid, stat->start_ticks) : std::string();
}

bool is_still_there(const std::string& mark) {
    pid_t pid = 0;
    const auto [end, code] = std::from_chars(mark.data(), mark.data() + mark.size(), pid);
    if (code != std::errc{} || pid <= 0) {
        return false;
    }
    const std::optional<ProcessStat> stat = process_stat(pid);
    return stat && stat->state != 'Z' && mark == fmt::format("{}/{}", pid, stat->start_ticks);
}

bool is_ready(int fd, Duration at_most) {
    return wait_until_ready(fd, POLLIN, std::chrono::steady_clock::now() + at_most);
}

void wait_for_end(pid_t pid) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

// The pipe ends with the child. What cannot be killed stays, and its mark is returned.
std::string kill_or_leave(pid_t pid, int pipe) {
    ::kill(pid, SIGKILL);
    if (is_ready(pipe, k_for_dying)) {
        wait_for_end(pid);
        return {};
    }
    return mark_of(pid);
}

Stranded failed(std::string_view what, int error) {
    Stranded stranded;
    stranded.error = errno_error(what, error);
    return stranded;
}

} // namespace

std::optional<Mount> mount_that_may_hang(const Path& path, const std::vector<Mount>& mounts) {
    std::deque<std::string> steps = steps_of(path);
    Path here = "/";
    for (int links = 0; !steps.empty() && links <= k_most_links;) {
        const std::string step = steps.front();
        steps.pop_front();
        if (step == "..") {
            here = here.parent_path();
            continue;
        }
        if (step == "." || step.empty()) {
            continue;
        }
        const Path next = here / step;
        if (const Mount* mount = mount_of(next.string(), mounts); mount != nullptr && may_hang(*mount)) {
            return *mount;
        }
        std::array<char, 4096> target{};
        const ssize_t size = ::readlink(next.c_str(), target.data(), target.size());
        if (size <= 0) {
            here = next; // no link, or not there: the question itself will tell
            continue;
        }
        const Path to(std::string(target.data(), static_cast<std::size_t>(size)));
        const std::deque<std::string> more = steps_of(to);
        steps.insert(steps.begin(), more.begin(), more.end());
        here = to.is_absolute() ? Path("/") : here;
        ++links;
    }
    return std::nullopt;
}

std::string mount_name(const Mount& mount) {
    return fmt::format("{} ({})", clean_line(mount.folder), mount.type);
}

Stranded ask_in_child(Look look, const Path& path, void* answer, std::size_t size, Duration timeout,
                      const std::string& left_behind) {
    Stranded stranded;
    if (is_still_there(left_behind)) {
        stranded.outcome = Stranded::Outcome::still_hangs;
        stranded.left_behind = left_behind;
        return stranded;
    }
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    std::array<int, 2> ends{-1, -1};
    if (!null.valid() || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return failed("prepare a child process", errno);
    }
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t pid = ::fork();
    if (pid < 0) {
        return failed("start a child process", errno);
    }
    if (pid == 0) {
        be_the_child(look, path.c_str(), answer, size, null.get(), writing.get());
    }
    writing.reset();
    if (!is_ready(reading.get(), timeout)) {
        stranded.outcome = Stranded::Outcome::hangs;
        stranded.left_behind = kill_or_leave(pid, reading.get());
        return stranded;
    }
    // An answer is smaller than a pipe's buffer and came in one piece (pipe(7)).
    const ssize_t got = ::read(reading.get(), answer, size);
    wait_for_end(pid);
    if (got != static_cast<ssize_t>(size)) {
        stranded.error = {ErrorKind::internal, "unable to look: the child process ended without an answer"};
        return stranded;
    }
    stranded.outcome = Stranded::Outcome::answered;
    return stranded;
}

} // namespace lectio

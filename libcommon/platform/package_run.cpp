#include "platform/package_run.h"

#include "platform/proc_text.h"
#include "util/unique_fd.h"

#include <algorithm>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace lectio {
namespace {

// proc_pid_stat(5): the time a process began counts from boot, sleep included.
std::optional<Duration> age_of(int pid) {
    const std::optional<ProcessStat> process = process_stat(pid);
    timespec up{};
    if (!process || ::clock_gettime(CLOCK_BOOTTIME, &up) != 0) {
        return std::nullopt;
    }
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const Duration since_boot = std::chrono::seconds(up.tv_sec) + Duration(up.tv_nsec / 1'000'000);
    return std::max(since_boot - Duration(process->start_ticks * 1000 / ticks), Duration::zero());
}

} // namespace

std::optional<PackageRun> package_run(const Path& lock) {
    const UniqueFd file(::open(lock.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct flock asked {};
    asked.l_type = F_WRLCK;
    asked.l_whence = SEEK_SET;
    if (!file.valid() || ::fcntl(file.get(), F_GETLK, &asked) != 0 || asked.l_type == F_UNLCK) {
        return std::nullopt;
    }
    // 0: of another PID namespace; -1: not held by a process (an open file description lock).
    const std::optional<Duration> age = asked.l_pid > 0 ? age_of(asked.l_pid) : std::nullopt;
    return age ? std::optional(PackageRun{asked.l_pid, *age}) : std::nullopt;
}

} // namespace lectio

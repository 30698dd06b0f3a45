#include "platform/process_table.h"

#include "platform/proc_text.h"
#include "platform/stop.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::chrono::milliseconds k_tick{100};

Error has_ended(int pid) {
    return {ErrorKind::not_found, fmt::format("unable to hold process {}: it has ended", pid)};
}

class ByDescriptor final : public HeldProcess {
  public:
    ByDescriptor(UniqueFd handle, int pid) : m_handle(std::move(handle)), m_pid(pid) {}

    Result<void> send(int signal) override {
        if (::syscall(SYS_pidfd_send_signal, m_handle.get(), signal, nullptr, 0) != 0) {
            return errno == ESRCH ? has_ended(m_pid)
                                  : errno_error(fmt::format("signal process {}", m_pid), errno);
        }
        return {};
    }

    bool ended_within(Duration limit) override {
        const auto end = std::chrono::steady_clock::now() + limit;
        for (;;) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
            const auto tick = std::clamp(left, std::chrono::milliseconds(0), k_tick);
            pollfd ended{m_handle.get(), POLLIN, 0};
            if (::poll(&ended, 1, static_cast<int>(tick.count())) == 1) {
                return true;
            }
            if (left.count() <= 0 || stop_requested()) {
                return false;
            }
        }
    }

  private:
    UniqueFd m_handle;
    int m_pid;
};

} // namespace

// Held first, compared then: as long as it is held its number is nobody else's.
Result<std::unique_ptr<HeldProcess>> SystemProcessTable::hold(const ProcessInfo& seen) {
    UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, seen.pid, 0)));
    if (!handle.valid()) {
        const int error = errno;
        return error == ENOSYS  ? Error{ErrorKind::invalid, "unable to hold a process: Linux 5.3 is needed"}
               : error == ESRCH ? has_ended(seen.pid)
                                : errno_error(fmt::format("hold process {}", seen.pid), error);
    }
    const std::optional<ProcessStat> now = process_stat(seen.pid);
    if (!now || now->start_ticks != seen.start_ticks) {
        return has_ended(seen.pid);
    }
    return std::unique_ptr<HeldProcess>(std::make_unique<ByDescriptor>(std::move(handle), seen.pid));
}

} // namespace lectio

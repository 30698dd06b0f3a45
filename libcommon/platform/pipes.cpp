#include "platform/pipes.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace lectio {
namespace {

Result<UniqueFd> above_standard(int fd) {
    UniqueFd low(fd);
    if (fd > STDERR_FILENO) {
        return low;
    }
    UniqueFd high(::fcntl(low.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!high.valid()) {
        return errno_error("duplicate a descriptor", errno);
    }
    return high;
}

} // namespace

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return errno_error("make a pipe", errno);
    }
    Result<UniqueFd> read = above_standard(ends[0]);
    Result<UniqueFd> write = above_standard(ends[1]);
    LECTIO_TRY(read);
    LECTIO_TRY(write);
    return Pipe{std::move(*read), std::move(*write)};
}

void make_nonblocking(const UniqueFd& fd) {
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

// glibc 2.36 declares pidfd_open() without C linkage, so C++ cannot link it.
UniqueFd open_pidfd(pid_t child) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
}

} // namespace lectio

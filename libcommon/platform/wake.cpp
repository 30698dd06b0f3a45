#include "platform/wake.h"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

namespace lectio {

Wake::Wake() : m_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!m_fd.valid()) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

void Wake::wake() const {
    const std::uint64_t one = 1;
    // EAGAIN: the counter is full, so the loop has been woken often enough.
    [[maybe_unused]] const ssize_t ignored = ::write(m_fd.get(), &one, sizeof one);
}

void Wake::drain() const {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t ignored = ::read(m_fd.get(), &count, sizeof count);
}

} // namespace lectio

#include "faulty_calls.h"

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

struct Fault {
    std::size_t at = 0; // 0: none
    int error = 0;      // 0: kill
    bool exchange = true;
    std::size_t calls = 0;
};
Fault g_fault;

// True: the call is to fail, errno is set.
bool strikes() {
    if (g_fault.at == 0 || ++g_fault.calls != g_fault.at) {
        return false;
    }
    if (g_fault.error == 0) {
        ::raise(SIGKILL);
    }
    errno = g_fault.error;
    return true;
}

} // namespace

FaultyCalls FaultyCalls::fail(std::size_t call, int error_number) {
    g_fault = Fault{call, error_number};
    return {};
}
FaultyCalls FaultyCalls::kill(std::size_t call) {
    g_fault = Fault{call};
    return {};
}
FaultyCalls FaultyCalls::no_exchange(std::size_t kill_at) {
    g_fault = Fault{kill_at, 0, false};
    return {};
}
FaultyCalls::~FaultyCalls() {
    g_fault = Fault{};
}
bool FaultyCalls::reached() const {
    return g_fault.calls >= g_fault.at;
}

} // namespace lectio

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the linker's
extern "C" {

int __real_openat(int folder, const char* path, int flags, ...);
int __wrap_openat(int folder, const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    return (flags & O_CREAT) != 0 && lectio::strikes() ? -1 : __real_openat(folder, path, flags, mode);
}

int __real_mkdirat(int folder, const char* path, mode_t mode);
int __wrap_mkdirat(int folder, const char* path, mode_t mode) {
    return lectio::strikes() ? -1 : __real_mkdirat(folder, path, mode);
}

ssize_t __real_write(int fd, const void* bytes, size_t size);
ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
    return lectio::strikes() ? -1 : __real_write(fd, bytes, size);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd) {
    return lectio::strikes() ? -1 : __real_fsync(fd);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode) {
    return lectio::strikes() ? -1 : __real_fchmod(fd, mode);
}

int __real_symlinkat(const char* target, int folder, const char* path);
int __wrap_symlinkat(const char* target, int folder, const char* path) {
    return lectio::strikes() ? -1 : __real_symlinkat(target, folder, path);
}

int __real_renameat(int from_folder, const char* from, int to_folder, const char* to);
int __wrap_renameat(int from_folder, const char* from, int to_folder, const char* to) {
    return lectio::strikes() ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

int __real_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags);
int __wrap_renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
    if (!lectio::g_fault.exchange && (flags & RENAME_EXCHANGE) != 0) {
        errno = EINVAL;
        return -1;
    }
    return lectio::strikes() ? -1 : __real_renameat2(from_folder, from, to_folder, to, flags);
}

int __real_unlinkat(int folder, const char* path, int flags);
int __wrap_unlinkat(int folder, const char* path, int flags) {
    return lectio::strikes() ? -1 : __real_unlinkat(folder, path, flags);
}
}
// NOLINTEND(bugprone-reserved-identifier)

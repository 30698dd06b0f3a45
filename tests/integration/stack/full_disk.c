/* Loaded into a program (LD_PRELOAD): its disk is full for some of its writes to regular files, and for nothing else. A tracer
 * that refuses system calls by their number refuses what goes into sockets and pipes, too, as no disk does. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Shared with full_disk.py; the program may leave without a word. */
struct Disk {
    uint64_t first, last; /* of the writes that are refused, counted from 1 */
    _Atomic uint64_t writes, refused;
};
static struct Disk* g_disk;

__attribute__((constructor)) static void begin(void) {
    const char* const name = getenv("LECTIO_FULL_DISK");
    const int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void* const seen = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *g_disk, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    g_disk = seen == MAP_FAILED ? NULL : seen;
    close(file);
    unsetenv("LD_PRELOAD"); /* of this program alone, not of those that it starts */
}

static int is_full(int fd) {
    struct stat seen;
    const int before = errno;
    const int is_file = g_disk && fstat(fd, &seen) == 0 && S_ISREG(seen.st_mode);
    errno = before;
    if (!is_file) {
        return 0;
    }
    const uint64_t number = atomic_fetch_add(&g_disk->writes, 1) + 1;
    if (number < g_disk->first || number > g_disk->last) {
        return 0;
    }
    atomic_fetch_add(&g_disk->refused, 1);
    errno = ENOSPC;
    return 1;
}

ssize_t write(int fd, const void* bytes, size_t size) {
    return is_full(fd) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
    return is_full(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    return pwrite64(fd, bytes, size, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    return is_full(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t copy_file_range(int from, off64_t* at, int to, off64_t* there, size_t size, unsigned flags) {
    return is_full(to) ? -1 : syscall(SYS_copy_file_range, from, at, to, there, size, flags);
}

int ftruncate64(int fd, off64_t size) {
    return is_full(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

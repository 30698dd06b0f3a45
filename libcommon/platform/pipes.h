// Pipes: what connects us with a program that we have started, and tells when it has ended.
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"

#include <sys/types.h>

namespace lectio {

struct Pipe {
    UniqueFd read, write;
};

// Both ends O_CLOEXEC and above the standard descriptors: where 0, 1 or 2 are closed in us, a pipe would take their
// place, and putting the child's ends there would overwrite one with the other.
Result<Pipe> make_pipe();

void make_nonblocking(const UniqueFd& fd);

// Readable when this child of ours has ended (pidfd_open(2)), O_CLOEXEC. Not valid on kernels before 5.3.
UniqueFd open_pidfd(pid_t child);

} // namespace lectio

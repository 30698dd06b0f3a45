#include "util/result.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace lectio {

ErrorKind kind_of_errno(int error_number) {
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return ErrorKind::not_found;
    case EACCES:
    case EPERM:
        return ErrorKind::permission;
    case ENOSPC:
    case EDQUOT:
        return ErrorKind::no_space;
    case EFBIG:
    case EOVERFLOW:
        return ErrorKind::too_large;
    case ETIMEDOUT:
        return ErrorKind::timeout;
    case EAGAIN:
    case EBUSY:
        return ErrorKind::busy;
    case EINVAL:
    case ELOOP:
    case ENAMETOOLONG:
        return ErrorKind::invalid;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
        return ErrorKind::internal;
    default:
        return ErrorKind::io;
    }
}

Error errno_error(std::string_view what, int error_number) {
    return Error{kind_of_errno(error_number),
                 fmt::format("unable to {}: {}", what, std::generic_category().message(error_number))};
}

} // namespace lectio

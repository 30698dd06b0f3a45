#include "platform/folder_names.h"

#include "util/text.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

namespace lectio {

FolderStream open_folder(int parent, const char* name) {
    const int opened = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (opened < 0) {
        return nullptr;
    }
    FolderStream stream(::fdopendir(opened));
    if (!stream) {
        const int error = errno;
        ::close(opened);
        errno = error;
    }
    return stream;
}

Error unable(std::string_view what, const Path& shown) {
    const int error = errno; // before anything else changes it
    return errno_error(fmt::format("{} {}", what, clean_line(shown.string())), error);
}

Error no_time_left(std::string_view what, const Path& shown) {
    return {ErrorKind::timeout,
            fmt::format("unable to {} {}: no time left", what, clean_line(shown.string()))};
}

} // namespace lectio

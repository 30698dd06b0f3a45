#include "platform/derived_file.h"

#include "platform/folder_names.h"
#include "platform/trusted_path.h"
#include "platform/write_all.h"
#include "util/unique_fd.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

// A writer takes a moment; what is older was left behind.
constexpr std::chrono::seconds k_abandoned{60};

void sweep(int folder, const std::string& beginning) {
    const FolderStream stream = open_folder(folder, ".");
    if (!stream) {
        return;
    }
    std::vector<std::string> abandoned;
    while (const dirent* entry = ::readdir(stream.get())) {
        struct stat info {};
        const std::string name = entry->d_name;
        if (name.starts_with(beginning) && ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
            ::time(nullptr) - info.st_mtime > k_abandoned.count()) {
            abandoned.push_back(name);
        }
    }
    for (const std::string& name : abandoned) {
        ::unlinkat(folder, name.c_str(), 0);
    }
}

Result<void> write_new(int folder, const std::string& name, std::string_view content, mode_t mode,
                       const Path& shown) {
    const UniqueFd fresh(
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fresh.valid()) {
        return unable("create", shown);
    }
    if (!write_all(fresh.get(), content)) {
        return unable("write", shown);
    }
    // The umask is nobody's wish here.
    return ::fchmod(fresh.get(), mode) == 0 ? Result<void>{} : unable("set the mode of", shown);
}

} // namespace

Result<void> replace_derived(const Path& file, std::string_view content, mode_t mode) {
    const Result<UniqueFd> reached = open_trusted_folder(file.parent_path());
    LECTIO_TRY(reached);
    const int folder = reached->get();
    const std::string name = file.filename().string(), beginning = fmt::format(".tmp-{}-", name);
    sweep(folder, beginning);
    const std::string fresh = fmt::format("{}{}", beginning, ::getpid());
    const Result<void> written = write_new(folder, fresh, content, mode, file);
    if (!written) {
        ::unlinkat(folder, fresh.c_str(), 0);
        return written;
    }
    if (::renameat(folder, fresh.c_str(), folder, name.c_str()) != 0) {
        const Error error = unable("replace", file);
        ::unlinkat(folder, fresh.c_str(), 0);
        return error;
    }
    return {};
}

} // namespace lectio

#include "platform/privileges.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <sys/prctl.h>

namespace lectio {

Result<void> forbid_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return errno_error("give up new privileges", errno);
    }
    return {};
}

std::string own_folder() {
    std::error_code problem;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", problem);
    return problem ? std::string() : self.parent_path().string();
}

} // namespace lectio

#include "platform/file_users.h"

#include "platform/file_locks.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

namespace lectio {
namespace {

using Identity = std::pair<dev_t, ino_t>;

std::string name_of(int pid) {
    const Result<std::string> comm = SystemFiles().read(fmt::format("/proc/{}/comm", pid), 1_kB);
    return comm ? clean_line(trim(*comm)) : std::string();
}

bool has_open(int pid, const std::set<Identity>& wanted) {
    const std::string folder = fmt::format("/proc/{}/fd", pid);
    for (const std::string& name : SystemFiles().list(folder).value_or({})) {
        struct stat seen {};
        if (::stat(fmt::format("{}/{}", folder, name).c_str(), &seen) == 0 &&
            wanted.contains({seen.st_dev, seen.st_ino})) {
            return true;
        }
    }
    return false;
}

} // namespace

Result<std::vector<FileUser>> users_of(const std::vector<Path>& files) {
    std::set<Identity> wanted;
    for (const Path& file : files) {
        struct stat seen {};
        if (::stat(file.c_str(), &seen) == 0) {
            wanted.insert({seen.st_dev, seen.st_ino});
        }
    }
    std::map<int, std::string> users;
    const Result<std::vector<std::string>> processes = SystemFiles().list("/proc");
    LECTIO_TRY(processes);
    for (const std::string& name : *processes) {
        const std::optional<int> pid = number_from<int>(name);
        if (pid && !wanted.empty() && has_open(*pid, wanted)) {
            users.emplace(*pid, name_of(*pid));
        }
    }
    const Result<std::vector<FileLock>> locks = file_locks();
    LECTIO_TRY(locks);
    for (const FileLock& lock : *locks) {
        if (wanted.contains({lock.device, lock.inode})) {
            const int pid = std::max(lock.pid, 0);
            users.emplace(pid, pid > 0 ? name_of(pid) : std::string());
        }
    }
    users.erase(::getpid());
    std::vector<FileUser> all;
    for (auto& [pid, name] : users) {
        all.push_back({pid, std::move(name)});
    }
    return all;
}

} // namespace lectio

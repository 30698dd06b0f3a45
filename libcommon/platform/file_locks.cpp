#include "platform/file_locks.h"

#include "util/number.h"
#include "util/text.h"

#include <array>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr std::size_t k_most = 16U << 20; // a host with more locks than that has other worries

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t begin = line.find_first_not_of(' ');
        if (begin == line.npos) {
            return words;
        }
        line.remove_prefix(begin);
        const std::size_t end = std::min(line.find(' '), line.size());
        words.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

// "fe:00:11493494": major and minor in hexadecimal.
bool read_place(std::string_view place, FileLock& lock) {
    const std::size_t first = place.find(':');
    const std::size_t second = first == place.npos ? place.npos : place.find(':', first + 1);
    if (second == place.npos) {
        return false;
    }
    const auto major = number_from<unsigned>(place.substr(0, first), 16);
    const auto minor = number_from<unsigned>(place.substr(first + 1, second - first - 1), 16);
    const auto inode = number_from<ino_t>(place.substr(second + 1));
    if (!major || !minor || !inode) {
        return false;
    }
    lock.device = makedev(*major, *minor);
    lock.inode = *inode;
    return true;
}

// "6: POSIX  ADVISORY  WRITE 19700 fe:00:11493494 120 120"; what waits has "->" in the second place.
std::optional<FileLock> lock_of(std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() != 8 || (words[1] != "POSIX" && words[1] != "OFDLCK")) {
        return std::nullopt;
    }
    FileLock lock;
    lock.writes = words[3] == "WRITE";
    const auto pid = number_from<int>(words[4]);
    const auto begin = number_from<std::int64_t>(words[6]);
    const auto end = words[7] == "EOF" ? std::optional(std::numeric_limits<std::int64_t>::max())
                                       : number_from<std::int64_t>(words[7]);
    if (!pid || !begin || !end || !read_place(words[5], lock)) {
        return std::nullopt;
    }
    lock.pid = *pid;
    lock.first = *begin;
    lock.last = *end;
    return lock;
}

} // namespace

std::vector<FileLock> parse_file_locks(std::string_view text) {
    std::vector<FileLock> locks;
    for (const std::string_view line : split_lines(text)) {
        if (const std::optional<FileLock> lock = lock_of(line)) {
            locks.push_back(*lock);
        }
    }
    return locks;
}

Result<std::vector<FileLock>> file_locks() {
    const UniqueFd fd(::open("/proc/locks", O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return errno_error("open /proc/locks", errno);
    }
    std::string text;
    std::array<char, 16384> part{};
    while (text.size() < k_most) {
        const ssize_t size = ::read(fd.get(), part.data(), part.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return errno_error("read /proc/locks", errno);
        }
        if (size == 0) {
            break;
        }
        text.append(part.data(), static_cast<std::size_t>(size));
    }
    return parse_file_locks(text);
}

} // namespace lectio

#include "platform/open_files.h"

#include "platform/file_locks.h"
#include "util/number.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace lectio {
namespace {

constexpr Bytes k_longest_table = 64_MB;

// "flags:\t0102001", octal (proc(5), fdinfo).
bool writes_anywhere(const std::string& fdinfo) {
    constexpr std::string_view k_flags = "flags:";
    for (const std::string_view line : split_lines(fdinfo)) {
        if (line.starts_with(k_flags)) {
            const auto flags = number_from<int>(trim(line.substr(k_flags.size())), 8);
            return flags && (*flags & O_ACCMODE) != O_RDONLY && (*flags & (O_APPEND | O_PATH)) == 0;
        }
    }
    return false;
}

struct Mapping {
    dev_t device = 0;
    ino_t inode = 0;
    std::string_view path;
};
// "7f…-7f… r--p 00000000 fe:01 393235   /tmp/x" (proc(5), maps); nothing where no file is mapped.
std::optional<Mapping> mapping_of(std::string_view line) {
    std::array<std::string_view, 5> fields;
    for (std::string_view& field : fields) {
        const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        field = line.substr(begin, end - begin);
        line.remove_prefix(end);
    }
    const std::size_t colon = fields[3].find(':');
    const auto inode = number_from<ino_t>(fields[4]);
    if (colon == std::string_view::npos || !inode || *inode == 0) {
        return std::nullopt;
    }
    const auto major = number_from<unsigned>(fields[3].substr(0, colon), 16);
    const auto minor = number_from<unsigned>(fields[3].substr(colon + 1), 16);
    if (!major || !minor) {
        return std::nullopt;
    }
    return Mapping{::gnu_dev_makedev(*major, *minor), *inode, trim(line)};
}

} // namespace

class OpenFiles::Look {
  public:
    explicit Look(OpenFiles& into) : m_into(into) {}

    void process(int pid) {
        m_pid = pid;
        m_folder = fmt::format("/proc/{}", pid);
        m_name.reset();
        for (const char* link : {"cwd", "root", "exe"}) {
            note(m_folder / link);
        }
        for (const std::string& fd : m_files.list(m_folder / "fd").value_or({})) {
            if (FileHolder* holder = note(m_folder / "fd" / fd)) {
                const Result<std::string> info = m_files.read(m_folder / "fdinfo" / fd, 64_kB);
                holder->writes_anywhere = holder->writes_anywhere || (info && writes_anywhere(*info));
            }
        }
        mapped();
    }

    void locks() {
        for (const FileLock& lock : file_locks().value_or({})) {
            if (lock.pid != ::getpid()) {
                m_into.m_holders.try_emplace({lock.device, lock.inode},
                                             FileHolder{std::max(lock.pid, 0), std::string(), false});
            }
        }
    }

  private:
    // Null for what is no file on a disk.
    FileHolder* note(const Path& link) {
        struct stat seen {};
        if (::stat(link.c_str(), &seen) != 0 || (!S_ISREG(seen.st_mode) && !S_ISDIR(seen.st_mode))) {
            return nullptr;
        }
        return &note(seen.st_dev, seen.st_ino);
    }

    FileHolder& note(dev_t device, ino_t inode) {
        const auto [at, is_new] = m_into.m_holders.try_emplace({device, inode});
        if (is_new) {
            at->second.pid = m_pid;
            at->second.name = name();
        }
        return at->second;
    }

    // By the numbers, and by the name: file systems that lie one upon another number a file twice.
    void mapped() {
        const Result<std::string> maps = m_files.read(m_folder / "maps", k_longest_table);
        std::set<std::string_view> paths;
        for (const std::string_view line : split_lines(maps ? std::string_view(*maps) : std::string_view())) {
            const std::optional<Mapping> mapping = mapping_of(line);
            if (!mapping) {
                continue;
            }
            note(mapping->device, mapping->inode);
            if (mapping->path.starts_with('/') && paths.insert(mapping->path).second) {
                note(Path(mapping->path));
            }
        }
    }

    const std::string& name() {
        if (!m_name) {
            const Result<std::string> comm = m_files.read(m_folder / "comm", 1_kB);
            m_name = comm ? clean_line(trim(*comm)) : std::string();
        }
        return *m_name;
    }

    OpenFiles& m_into;
    SystemFiles m_files;
    int m_pid = 0;
    Path m_folder;
    std::optional<std::string> m_name;
};

Result<OpenFiles> OpenFiles::look() {
    OpenFiles all;
    Look look(all);
    const Result<std::vector<std::string>> names = SystemFiles().list("/proc");
    LECTIO_TRY(names);
    for (const std::string& name : *names) {
        const std::optional<int> pid = number_from<int>(name);
        if (pid && *pid != ::getpid()) {
            look.process(*pid);
        }
    }
    look.locks();
    return all;
}

const FileHolder* OpenFiles::holder(dev_t device, ino_t inode) const {
    const auto found = m_holders.find({device, inode});
    return found == m_holders.end() ? nullptr : &found->second;
}

} // namespace lectio

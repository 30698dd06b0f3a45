#include "platform/host.h"

#include "platform/proc_text.h"
#include "util/number.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <map>
#include <memory>

#include <fmt/format.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace lectio {
namespace {

// A command line may be megabytes long (a shell's wildcard); nobody looks for what stands behind this.
constexpr std::size_t k_longest_command_line = 16384;
constexpr std::size_t k_largest_table = std::size_t{4} << 20U; // vmstat, mounts, sockets of a busy host

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using FolderStream = std::unique_ptr<DIR, CloseFolder>;

FolderStream open_folder(int parent, const char* name) {
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FolderStream stream(fd < 0 ? nullptr : ::fdopendir(fd));
    if (!stream && fd >= 0) {
        ::close(fd);
    }
    return stream;
}

// What ends the reading of a file that tells no size.
enum class Until {
    end,        // tables: a read may be short because the next row did not fit
    short_read, // the files of one process are one row: saves a call for each of hundreds of processes
};

// At most `limit`. False when the file cannot be read.
bool read_at(int folder, const char* name, std::string& content, std::size_t limit, Until until) {
    content.clear();
    const UniqueFd fd(::openat(folder, name, O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) {
        return false;
    }
    std::array<char, 4096> buffer{};
    while (content.size() < limit) {
        const ssize_t got = ::read(fd.get(), buffer.data(), std::min(buffer.size(), limit - content.size()));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return false;
        }
        content.append(buffer.data(), static_cast<std::size_t>(got));
        if (got == 0 || (until == Until::short_read && static_cast<std::size_t>(got) < buffer.size())) {
            return true;
        }
    }
    return true;
}

Result<std::string> read_table(const Path& path) {
    std::string content;
    if (!read_at(AT_FDCWD, path.c_str(), content, k_largest_table, Until::end)) {
        return errno_error(fmt::format("read {}", path.string()), errno);
    }
    return content;
}

Error odd(const Path& path) {
    return Error{ErrorKind::invalid, fmt::format("unable to understand {}", path.string())};
}

std::optional<int> pid_from(const char* name) {
    const auto pid = number_from<int>(name);
    return pid && *pid > 0 ? pid : std::nullopt;
}

Duration from_ticks(std::uint64_t ticks) {
    static const auto k_per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return Duration(ticks * 1000 / k_per_second);
}

// One process after another with the same buffer: this runs every minute over every process of the host.
class ProcessReader {
  public:
    ProcessReader(int proc, double uptime)
        : m_proc(proc), m_uptime(static_cast<std::int64_t>(uptime * 1000)) {}

    // Nothing when the process has gone meanwhile; then failure() is 0.
    std::optional<ProcessInfo> read(const char* pid) {
        const UniqueFd folder(::openat(m_proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!folder.valid() ||
            !read_at(folder.get(), "stat", m_text, k_longest_command_line, Until::short_read)) {
            return not_read();
        }
        std::optional<ProcessStat> stat = parse_process_stat(m_text);
        if (!stat) {
            return std::nullopt;
        }
        m_text.clear(); // threads of the kernel, more than half of all, have no command line
        if (!stat->kernel_thread &&
            !read_at(folder.get(), "cmdline", m_text, k_longest_command_line, Until::short_read)) {
            return not_read();
        }
        ProcessInfo info;
        info.pid = stat->pid;
        info.parent = stat->parent;
        info.state = stat->state;
        info.name = std::move(stat->name);
        info.command_line = join_command_line(m_text);
        info.start_ticks = stat->start_ticks;
        info.age = std::max(Duration(m_uptime) - from_ticks(stat->start_ticks), Duration::zero());
        info.cpu_time = from_ticks(stat->user_ticks + stat->system_ticks);
        info.rss = {stat->rss_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))};
        info.owner = owner_of(folder.get(), info.command_line);
        return info;
    }

    std::vector<ProcessInfo> read_with_ancestors(int pid) {
        std::vector<ProcessInfo> chain;
        // Read one after another, they are no snapshot and might be a circle.
        while (pid > 0 && std::none_of(chain.begin(), chain.end(),
                                       [&](const auto& known) { return known.pid == pid; })) {
            std::optional<ProcessInfo> process = read(std::to_string(pid).c_str());
            pid = process ? process->parent : 0;
            if (process) {
                chain.push_back(std::move(*process));
            }
        }
        return chain;
    }

    // Nothing is known of one that has gone meanwhile either.
    bool is_wanted(const char* pid, const CommandLineWanted& wanted) {
        const std::string file = fmt::format("{}/cmdline", pid);
        if (!read_at(m_proc, file.c_str(), m_text, k_longest_command_line, Until::short_read)) {
            not_read();
            return false;
        }
        return !m_text.empty() && wanted(join_command_line(m_text));
    }

    // Why the last one could not be read, when it was for want of something of ours: descriptors, memory.
    [[nodiscard]] int failure() const { return m_failure; }

  private:
    std::nullopt_t not_read() {
        const bool ours = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
        m_failure = ours ? errno : 0;
        return std::nullopt;
    }

    // The folder's owner is the effective user, but root where the process changed its user without starting
    // a new program (gunicorn's workers do). So only what looks like root's has to be asked for the truth.
    uid_t owner_of(int folder, const std::string& command_line) {
        struct stat status {};
        const uid_t seen = ::fstatat(folder, "", &status, AT_EMPTY_PATH) == 0 ? status.st_uid : 0;
        if (seen != 0 || command_line.empty() ||
            !read_at(folder, "status", m_text, k_longest_command_line, Until::short_read)) {
            return seen;
        }
        return parse_effective_user(m_text).value_or(seen);
    }

    int m_proc;
    std::int64_t m_uptime; // milliseconds
    int m_failure = 0;
    std::string m_text;
};

// hidepid (proc(5)): the processes of others are not there for us, and that says nothing of them. The first of all
// always is.
bool hides_processes(int proc) {
    return ::faccessat(proc, "1/stat", R_OK, 0) != 0 && ::faccessat(proc, "self/stat", R_OK, 0) == 0;
}

struct FolderOfProcesses {
    FolderStream stream;
    double uptime = 0; // seconds
};

Result<FolderOfProcesses> open_processes(const Path& proc) {
    const Result<std::string> text = read_table(proc / "uptime");
    LECTIO_TRY(text);
    FolderStream stream = open_folder(AT_FDCWD, proc.c_str());
    if (!stream) {
        return errno_error(fmt::format("list {}", proc.string()), errno);
    }
    const std::optional<double> uptime = parse_uptime(*text);
    if (!uptime) {
        return odd(proc / "uptime");
    }
    if (hides_processes(::dirfd(stream.get()))) {
        return Error{ErrorKind::permission,
                     fmt::format("unable to see the processes of other users, hidden in {}", proc.string())};
    }
    return FolderOfProcesses{std::move(stream), *uptime};
}

// The name of the next folder that is one of a process; nullptr after the last.
const char* next_process(const FolderStream& stream) {
    const dirent* entry = ::readdir(stream.get());
    while (entry != nullptr && !pid_from(entry->d_name)) {
        entry = ::readdir(stream.get());
    }
    return entry == nullptr ? nullptr : entry->d_name;
}

// Empty where there is none, or where it is not ours to see.
Path link_target(const Path& link) {
    std::array<char, 4096> target{};
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    return size > 0 ? Path(std::string_view(target.data(), static_cast<std::size_t>(size))) : Path();
}

// Socket inode → process, from the links in /proc/PID/fd.
std::map<std::uint64_t, int> socket_owners(const Path& proc) {
    std::map<std::uint64_t, int> owners;
    const FolderStream stream = open_folder(AT_FDCWD, proc.c_str());
    while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
        const std::optional<int> pid = pid_from(entry->d_name);
        if (!pid) {
            continue;
        }
        const FolderStream fds = open_folder(::dirfd(stream.get()), fmt::format("{}/fd", *pid).c_str());
        while (const dirent* fd = fds ? ::readdir(fds.get()) : nullptr) {
            std::array<char, 64> target{};
            const ssize_t size =
                ::readlinkat(::dirfd(fds.get()), fd->d_name, target.data(), target.size() - 1);
            constexpr std::string_view k_prefix = "socket:[";
            const std::string_view text(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
            std::uint64_t inode = 0;
            if (text.starts_with(k_prefix) &&
                std::from_chars(text.data() + k_prefix.size(), text.data() + text.size(), inode).ec ==
                    std::errc{}) {
                owners.emplace(inode, *pid);
            }
        }
    }
    return owners;
}

} // namespace

std::string SystemHost::hostname() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

Result<MemoryInfo> SystemHost::memory() {
    const Path path = m_proc / "meminfo";
    const Result<std::string> text = read_table(path);
    LECTIO_TRY(text);
    const std::optional<MemoryInfo> memory = parse_meminfo(*text);
    return memory ? Result<MemoryInfo>(*memory) : odd(path);
}

Result<std::uint64_t> SystemHost::oom_kills() {
    const Path path = m_proc / "vmstat";
    const Result<std::string> text = read_table(path);
    LECTIO_TRY(text);
    const std::optional<std::uint64_t> kills = parse_oom_kills(*text);
    return kills ? Result<std::uint64_t>(*kills) : odd(path);
}

Result<std::vector<ProcessInfo>> SystemHost::processes() {
    const Result<FolderOfProcesses> folder = open_processes(m_proc);
    LECTIO_TRY(folder);
    ProcessReader reader(::dirfd(folder->stream.get()), folder->uptime);
    std::vector<ProcessInfo> processes;
    while (const char* pid = next_process(folder->stream)) {
        if (std::optional<ProcessInfo> process = reader.read(pid)) {
            processes.push_back(std::move(*process));
        } else if (reader.failure() != 0) {
            return errno_error(fmt::format("read {}", m_proc.string()), reader.failure());
        }
    }
    return processes;
}

Result<std::vector<ProcessInfo>> SystemHost::processes_with(const CommandLineWanted& wanted) {
    const Result<FolderOfProcesses> folder = open_processes(m_proc);
    LECTIO_TRY(folder);
    ProcessReader reader(::dirfd(folder->stream.get()), folder->uptime);
    std::vector<ProcessInfo> processes = reader.read_with_ancestors(self_pid());
    const std::size_t ours = processes.size();
    const auto is_ours = [&](int pid) {
        return std::any_of(processes.begin(), processes.begin() + static_cast<std::ptrdiff_t>(ours),
                           [&](const ProcessInfo& process) { return process.pid == pid; });
    };
    while (const char* pid = reader.failure() == 0 ? next_process(folder->stream) : nullptr) {
        if (is_ours(*pid_from(pid)) || !reader.is_wanted(pid, wanted)) {
            continue;
        }
        if (std::optional<ProcessInfo> process = reader.read(pid)) {
            processes.push_back(std::move(*process));
        }
    }
    if (reader.failure() != 0) {
        return errno_error(fmt::format("read {}", m_proc.string()), reader.failure());
    }
    return processes;
}

DiskSpace disk_space_of(const struct statvfs& status) {
    const std::uint64_t block = status.f_frsize;
    return {{status.f_blocks * block},
            {status.f_bavail * block},
            status.f_files,
            status.f_favail,
            (status.f_flag & ST_RDONLY) != 0};
}

Result<DiskSpace> SystemHost::disk(const Path& path) {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) {
        return errno_error(fmt::format("examine the file system of {}", path.string()), errno);
    }
    return disk_space_of(status);
}

Result<std::vector<Mount>> SystemHost::mounts() {
    const Result<std::string> text = read_table(m_proc / "self/mounts");
    LECTIO_TRY(text);
    return parse_mounts(*text);
}

Result<std::vector<Listener>> SystemHost::listeners() {
    Result<std::string> sockets = read_table(m_proc / "net/tcp");
    LECTIO_TRY(sockets);
    // A kernel without IPv6 has no such table.
    const std::string all = *sockets + read_table(m_proc / "net/tcp6").value_or("");
    std::vector<ListeningSocket> found = parse_listening_sockets(all);
    std::vector<ListeningSocket> local = parse_unix_sockets(read_table(m_proc / "net/unix").value_or(""));
    std::move(local.begin(), local.end(), std::back_inserter(found));
    const std::map<std::uint64_t, int> owners = socket_owners(m_proc);
    std::vector<Listener> listeners;
    for (ListeningSocket& socket : found) {
        Listener listener{std::move(socket.address), socket.port, 0, {}};
        if (const auto owner = owners.find(socket.inode); owner != owners.end()) {
            listener.pid = owner->second;
            const std::string stat = read_table(m_proc / std::to_string(owner->second) / "stat").value_or("");
            listener.process = parse_process_stat(stat).value_or(ProcessStat{}).name;
        }
        listeners.push_back(std::move(listener));
    }
    return listeners;
}

Result<ProcessPlace> SystemHost::place(int pid) {
    const Path folder = m_proc / std::to_string(pid);
    const Result<std::string> cgroup = read_table(folder / "cgroup");
    LECTIO_TRY(cgroup);
    ProcessPlace place;
    place.unit = parse_unit_of_cgroup(*cgroup);
    place.folder = link_target(folder / "cwd");
    place.program = link_target(folder / "exe");
    // A service of systemd may have a file system view of its own; only a container has its own process numbers.
    const Path ours = link_target(m_proc / "self/ns/pid");
    const Path theirs = link_target(folder / "ns/pid");
    place.contained = !ours.empty() && !theirs.empty() && ours != theirs;
    return place;
}

Result<std::string> SystemHost::environment(int pid) {
    return read_table(m_proc / std::to_string(pid) / "environ");
}

int SystemHost::self_pid() {
    return ::getpid();
}

Result<std::array<double, 3>> SystemHost::load() {
    const Path path = m_proc / "loadavg";
    const Result<std::string> text = read_table(path);
    LECTIO_TRY(text);
    const std::optional<std::array<double, 3>> load = parse_loadavg(*text);
    return load ? Result<std::array<double, 3>>(*load) : odd(path);
}

Result<PressureInfo> SystemHost::pressure() {
    PressureInfo info;
    for (const auto& [name, share] :
         {std::pair{"cpu", &info.cpu}, {"memory", &info.memory}, {"io", &info.io}}) {
        const Path path = m_proc / "pressure" / name;
        const Result<std::string> text = read_table(path);
        LECTIO_TRY(text);
        const std::optional<double> seen = parse_pressure(*text);
        if (!seen) {
            return odd(path);
        }
        *share = *seen;
    }
    return info;
}

unsigned SystemHost::cores() {
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? static_cast<unsigned>(online) : 1;
}

} // namespace lectio

// Host: what /proc and statvfs tell of this machine. Reading is here, judging is in the checks.
// The root of /proc is a setting, so that tests read recorded files.
#pragma once

#include "platform/files.h"
#include "platform/time_sync.h"
#include "util/result.h"
#include "util/units.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

struct statvfs;

namespace lectio {

struct MemoryInfo {
    Bytes total, available, swap_total, swap_free;
};

struct ProcessInfo {
    int pid = 0;
    int parent = 0;
    char state = '?'; // R S D Z T …
    uid_t owner = 0;
    std::string name;              // comm
    std::string command_line;      // /proc/PID/cmdline joined by blanks; empty for kernel threads
    std::uint64_t start_ticks = 0; // since boot: with the pid it names a process for good
    Duration age{};
    Duration cpu_time{};
    Bytes rss;
};

struct DiskSpace {
    Bytes total, free;                         // free: for unprivileged users (f_bavail)
    std::uint64_t inodes = 0, inodes_free = 0; // 0 inodes: the file system does not count them
    bool read_only = false;
};

DiskSpace disk_space_of(const struct statvfs& status);

struct Mount {
    std::string device, folder, type, options;
};

struct Listener {           // a listening TCP socket, or a listening Unix socket with a name
    std::string address;    // "0.0.0.0", "127.0.0.1", "::"; of a Unix socket its path
    std::uint16_t port = 0; // 0: a Unix socket
    int pid = 0;            // 0 when not ours to see
    std::string process;
};

// Where a process belongs. What may not be looked at is empty.
struct ProcessPlace {
    std::string unit;       // of systemd, by its cgroup: "nginx.service", "session-3.scope"
    Path folder;            // its working folder
    bool contained = false; // in a container: its paths and users are not this host's
    Path program = {};      // the file that it executes; unlike its command line it cannot be made up
};

// Pressure stall information (kernel documentation, accounting/psi): percent of the last 60 seconds in which
// at least one task waited for it ("some avg60").
struct PressureInfo {
    double cpu = 0, memory = 0, io = 0;
};

// Says whether the process of this command line is looked for.
using CommandLineWanted = std::function<bool(const std::string& command_line)>;

class Host {
  public:
    virtual ~Host() = default;
    virtual std::string hostname() = 0;
    virtual Result<MemoryInfo> memory() = 0;
    // oom_kill of /proc/vmstat: kills since boot.
    virtual Result<std::uint64_t> oom_kills() = 0;
    // All of them or an error: what cannot be seen (hidepid, no descriptor left) is not gone.
    virtual Result<std::vector<ProcessInfo>> processes() = 0;
    // Of them at least those that are wanted, and this process with its ancestors. Of the others, hundreds on a busy
    // host, only the command line is read; what has none (threads of the kernel, the dead) is not asked about.
    virtual Result<std::vector<ProcessInfo>> processes_with(const CommandLineWanted& /*wanted*/) {
        return processes();
    }
    // Blocks for as long as the file system does: only the disk check calls it, from its own thread.
    virtual Result<DiskSpace> disk(const Path& path) = 0;
    virtual Result<std::vector<Mount>> mounts() = 0;
    virtual Result<std::vector<Listener>> listeners() = 0;
    // not_found when there is no such process (any more).
    virtual Result<ProcessPlace> place(int pid) = 0;
    // "NAME=value", each ended by a NUL, as it was when the process began; root's and its owner's to see.
    virtual Result<std::string> environment(int pid) = 0;
    virtual int self_pid() = 0;
    // 1, 5, 15 minutes.
    virtual Result<std::array<double, 3>> load() = 0;
    // not_found on kernels without it (CONFIG_PSI, or switched off by psi=0).
    virtual Result<PressureInfo> pressure() = 0;
    virtual unsigned cores() = 0;
    // permission where a container forbids adjtimex.
    virtual Result<TimeSync> time_sync() = 0;
};

class SystemHost final : public Host {
  public:
    explicit SystemHost(Path proc = "/proc") : m_proc(std::move(proc)) {}

    std::string hostname() override;
    Result<MemoryInfo> memory() override;
    Result<std::uint64_t> oom_kills() override;
    Result<std::vector<ProcessInfo>> processes() override;
    Result<std::vector<ProcessInfo>> processes_with(const CommandLineWanted& wanted) override;
    Result<DiskSpace> disk(const Path& path) override;
    Result<std::vector<Mount>> mounts() override;
    Result<std::vector<Listener>> listeners() override;
    Result<ProcessPlace> place(int pid) override;
    Result<std::string> environment(int pid) override;
    int self_pid() override;
    Result<std::array<double, 3>> load() override;
    Result<PressureInfo> pressure() override;
    unsigned cores() override;
    Result<TimeSync> time_sync() override;

  private:
    Path m_proc;
};

} // namespace lectio

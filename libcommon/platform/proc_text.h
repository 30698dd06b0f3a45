// What the files of /proc say, as pure functions over their text (proc(5)). Anything that is not what the
// kernel writes gives nothing, never a wrong number.
#pragma once

#include "platform/host.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lectio {

// /proc/meminfo
std::optional<MemoryInfo> parse_meminfo(std::string_view text);
// oom_kill of /proc/vmstat (since Linux 4.13)
std::optional<std::uint64_t> parse_oom_kills(std::string_view text);
// /proc/loadavg
std::optional<std::array<double, 3>> parse_loadavg(std::string_view text);
// avg60 of the line "some" in a file of /proc/pressure, 0 to 100.
std::optional<double> parse_pressure(std::string_view text);
// Seconds since boot, the first number of /proc/uptime.
std::optional<double> parse_uptime(std::string_view text);

// /proc/PID/stat. The name stands in parentheses and may itself hold parentheses, blanks and newlines.
struct ProcessStat {
    int pid = 0;
    std::string name;
    char state = '?';
    int parent = 0;
    bool kernel_thread = false;
    std::uint64_t user_ticks = 0, system_ticks = 0, start_ticks = 0;
    std::uint64_t rss_pages = 0;
};
std::optional<ProcessStat> parse_process_stat(std::string_view text);
// The same of a process that runs now; nothing when it is gone.
std::optional<ProcessStat> process_stat(int pid);
// The effective user of /proc/PID/status.
std::optional<uid_t> parse_effective_user(std::string_view text);
// /proc/PID/cmdline joined by blanks, without the trailing ones.
std::string join_command_line(std::string_view text);

// /proc/self/mounts; blanks and the like in names are written as \040 there.
std::vector<Mount> parse_mounts(std::string_view text);

// The listening sockets of /proc/net/tcp and tcp6.
struct ListeningSocket {
    std::string address;
    std::uint16_t port = 0;
    std::uint64_t inode = 0;
};
std::vector<ListeningSocket> parse_listening_sockets(std::string_view text);
// The listening stream sockets of /proc/net/unix that have a path; port 0. Abstract names ("@…") have none.
std::vector<ListeningSocket> parse_unix_sockets(std::string_view text);

// The unit of systemd in /proc/PID/cgroup (cgroups(7)), the innermost: "nginx.service" of
// "0::/system.slice/nginx.service". On a host with cgroup v1 the row "name=systemd" counts. Empty: none.
std::string parse_unit_of_cgroup(std::string_view text);

} // namespace lectio

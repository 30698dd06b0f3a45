#include "support/fake_host.h"

namespace lectio {

Result<DiskSpace> FakeHost::disk(const Path& path) {
    const auto found = disks.find(path);
    return found == disks.end() ? Result<DiskSpace>(missing()) : found->second;
}

Result<ProcessPlace> FakeHost::place(int pid) {
    const auto found = places.find(pid);
    return found == places.end() ? Result<ProcessPlace>(missing()) : found->second;
}

Result<std::string> FakeHost::environment(int pid) {
    const auto found = environments.find(pid);
    return found == environments.end() ? Result<std::string>(missing()) : found->second;
}

ProcessInfo made_up_process(int pid, int parent, std::string command_line) {
    ProcessInfo process;
    process.pid = pid;
    process.parent = parent;
    process.state = 'S';
    process.command_line = std::move(command_line);
    return process;
}

} // namespace lectio

// FakeHost: a machine whose memory, disks and processes are what the test says. What is not set is not_found.
#pragma once

#include "platform/host.h"

#include <map>
#include <string>
#include <vector>

namespace lectio {

class FakeHost final : public Host {
  public:
    std::string name = "test-host";
    Result<MemoryInfo> memory_info = missing();
    Result<std::uint64_t> kills = missing();
    Result<std::vector<ProcessInfo>> process_list = missing();
    std::map<Path, Result<DiskSpace>> disks;
    Result<std::vector<Mount>> mount_list = missing();
    Result<std::vector<Listener>> listener_list = missing();
    std::map<int, ProcessPlace> places;      // by process
    std::map<int, std::string> environments; // by process
    Result<std::array<double, 3>> load_average = missing();
    Result<PressureInfo> pressure_info = missing();
    unsigned core_count = 2;
    Result<TimeSync> sync = missing();
    int self = 1000;

    std::string hostname() override { return name; }
    Result<MemoryInfo> memory() override { return memory_info; }
    Result<std::uint64_t> oom_kills() override { return kills; }
    Result<std::vector<ProcessInfo>> processes() override { return process_list; }
    Result<DiskSpace> disk(const Path& path) override;
    Result<std::vector<Mount>> mounts() override { return mount_list; }
    Result<std::vector<Listener>> listeners() override { return listener_list; }
    Result<ProcessPlace> place(int pid) override;
    Result<std::string> environment(int pid) override;
    int self_pid() override { return self; }
    Result<std::array<double, 3>> load() override { return load_average; }
    Result<PressureInfo> pressure() override { return pressure_info; }
    unsigned cores() override { return core_count; }
    Result<TimeSync> time_sync() override { return sync; }

  private:
    static Error missing() { return {ErrorKind::not_found, "not set by the test"}; }
};

// A process for process_list; everything else of it is as in ProcessInfo.
ProcessInfo made_up_process(int pid, int parent, std::string command_line);

} // namespace lectio

// BareWorld: a World whose time and HTTP are made up and whose files are real. Everything else ends the test
// when it is used: a check that looks where it has no business is found at once. Replace parts with fakes of
// your own:
//
//     BareWorld bare;
//     bare.world().services ... is a reference: build World{bare.clock, bare.files, my_host, …} instead.
#pragma once

#include "platform/files.h"
#include "platform/host.h"
#include "platform/processes.h"
#include "platform/redis.h"
#include "platform/services.h"
#include "platform/world.h"
#include "support/fake_clock.h"
#include "support/fake_http.h"

namespace lectio {

class NoHost : public Host {
  public:
    std::string hostname() override;
    Result<MemoryInfo> memory() override;
    Result<std::uint64_t> oom_kills() override;
    Result<std::vector<ProcessInfo>> processes() override;
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
};

class NoServices : public Services {
  public:
    bool stopping = false; // the host
    Result<UnitState> unit(const std::string& name, Duration timeout) override;
    Result<std::vector<UnitState>> failed_units(Duration timeout) override;
    Result<std::vector<UnitState>> active_services(Duration timeout) override;
    Result<bool> host_is_stopping(Duration) override { return stopping; }
    Result<JobResult> act(const std::string& name, Verb verb, Duration timeout) override;
};

class NoProcesses : public Processes {
  public:
    Result<ProcessAnswer> run(const ProcessRequest& request) override;
};

class NoRedis : public RedisConnector {
  public:
    Result<std::unique_ptr<RedisConnection>> connect(const Secret& url, Duration timeout) override;
};

struct BareWorld {
    FakeClock clock;
    SystemFiles files;
    NoHost host;
    FakeHttp http{clock};
    NoProcesses processes;
    NoServices services;
    NoRedis redis;
    World world{clock, files, host, http, processes, services, redis};
};

} // namespace lectio

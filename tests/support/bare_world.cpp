#include "support/bare_world.h"

#include <stdexcept>
#include <string>

namespace lectio {
namespace {

[[noreturn]] void unexpected(const char* part) {
    throw std::logic_error(std::string("this test's world has no ") + part);
}

} // namespace

std::string NoHost::hostname() {
    unexpected("hostname");
}
Result<MemoryInfo> NoHost::memory() {
    unexpected("memory");
}
Result<std::uint64_t> NoHost::oom_kills() {
    unexpected("OOM counter");
}
Result<std::vector<ProcessInfo>> NoHost::processes() {
    unexpected("list of processes");
}
Result<DiskSpace> NoHost::disk(const Path&) {
    unexpected("disk");
}
Result<std::vector<Mount>> NoHost::mounts() {
    unexpected("mounts");
}
Result<std::vector<Listener>> NoHost::listeners() {
    unexpected("listeners");
}
Result<ProcessPlace> NoHost::place(int) {
    unexpected("places of processes");
}

Result<std::string> NoHost::environment(int) {
    unexpected("environments of processes");
}
int NoHost::self_pid() {
    unexpected("own pid");
}
Result<std::array<double, 3>> NoHost::load() {
    unexpected("load");
}
Result<PressureInfo> NoHost::pressure() {
    unexpected("pressure");
}
unsigned NoHost::cores() {
    unexpected("cores");
}
Result<TimeSync> NoHost::time_sync() {
    unexpected("the clock's keeper");
}

Result<UnitState> NoServices::unit(const std::string&, Duration) {
    unexpected("units");
}
Result<std::vector<UnitState>> NoServices::failed_units(Duration) {
    unexpected("units");
}
Result<std::vector<UnitState>> NoServices::active_services(Duration) {
    unexpected("units");
}
Result<JobResult> NoServices::act(const std::string&, Verb, Duration) {
    unexpected("units");
}

Result<ProcessAnswer> NoProcesses::run(const ProcessRequest&) {
    unexpected("programs");
}

Result<std::unique_ptr<RedisConnection>> NoRedis::connect(const Secret&, Duration) {
    unexpected("Redis");
}

} // namespace lectio

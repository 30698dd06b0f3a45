#include "platform/host.h"
#include "platform/proc_text.h"
#include "support/temp_folder.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace lectio;

namespace {

// Recorded on Debian 12 (the numbers of the stat line are those of a gunicorn worker).
std::string stat_line(const std::string& name) {
    return "4242 (" + name +
           ") S 4200 4200 4200 0 -1 4194624 5120 0 12 0 150 50 0 0 20 0 1 0 90000 52428800 6144 "
           "18446744073709551615 1 1 0 0 0 0 0 16781312 134235911 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

constexpr const char* k_meminfo = "MemTotal:        2030540 kB\n"
                                  "MemFree:          109204 kB\n"
                                  "MemAvailable:     402116 kB\n"
                                  "Buffers:           31408 kB\n"
                                  "SwapCached:         1408 kB\n"
                                  "SwapTotal:       1048572 kB\n"
                                  "SwapFree:         524284 kB\n"
                                  "HugePages_Total:       0\n";

} // namespace

TEST_CASE("meminfo") {
    const std::optional<MemoryInfo> memory = parse_meminfo(k_meminfo);
    REQUIRE(memory);
    CHECK(memory->total.count == 2030540ULL * 1024);
    CHECK(memory->available.count == 402116ULL * 1024);
    CHECK(memory->swap_total.count == 1048572ULL * 1024);
    CHECK(memory->swap_free.count == 524284ULL * 1024);
    CHECK_FALSE(parse_meminfo(""));
    CHECK_FALSE(parse_meminfo("MemTotal: many kB\nMemAvailable: 1 kB\n"));
    CHECK_FALSE(parse_meminfo("MemTotal: 1 kB\n")); // kernels before 3.14
}

TEST_CASE("the counter of kills is not one of its neighbours") {
    CHECK(parse_oom_kills("pgfault 12\noom_kill 3\noom_killer 9\n") == 3U);
    CHECK_FALSE(parse_oom_kills("pgfault 12\n"));
    CHECK_FALSE(parse_oom_kills("oom_kill x\n"));
}

TEST_CASE("load and uptime") {
    const auto load = parse_loadavg("0.52 0.58 12.59 2/345 6789\n");
    REQUIRE(load);
    CHECK((*load)[0] == 0.52);
    CHECK((*load)[2] == 12.59);
    CHECK_FALSE(parse_loadavg("0.52 0.58"));
    CHECK_FALSE(parse_loadavg("nan nan nan"));
    CHECK(parse_uptime("1000.50 2000.00\n") == 1000.5);
    CHECK_FALSE(parse_uptime("soon"));
}

TEST_CASE("pressure: the share of the last minute in which something waited") {
    const std::string_view text = "some avg10=1.50 avg60=12.25 avg300=0.10 total=123\n"
                                  "full avg10=0.00 avg60=3.00 avg300=0.00 total=45\n";
    CHECK(parse_pressure(text) == 12.25);
    CHECK(parse_pressure("some avg10=0.00 avg60=100.00 avg300=0.00 total=0") == 100);
    for (const char* odd : {"", "full avg60=1.00", "some", "some avg10=1.00", "some avg60=", "some avg60=x",
                            "some avg60=nan", "some avg60=-1", "some avg60=101"}) {
        CAPTURE(odd);
        CHECK_FALSE(parse_pressure(odd));
    }
}

TEST_CASE("the name in a stat line may hold anything") {
    for (const std::string name :
         {"gunicorn: worke", "a b", ")", ") R 1 (", "x) S 1", "(sd-pam)", "new\nline", ""}) {
        CAPTURE(name);
        const std::optional<ProcessStat> stat = parse_process_stat(stat_line(name));
        REQUIRE(stat);
        CHECK(stat->pid == 4242);
        CHECK(stat->name == name);
        CHECK(stat->state == 'S');
        CHECK(stat->parent == 4200);
        CHECK(stat->user_ticks == 150);
        CHECK(stat->system_ticks == 50);
        CHECK(stat->start_ticks == 90000);
        CHECK(stat->rss_pages == 6144);
    }
}

TEST_CASE("garbage in a stat line gives nothing") {
    for (const std::string text :
         {"", "1", "1 (x)", "1 (x) ", "x (y) S 1 2 3", ") ( S 1", "1 (x) S 1 2 3 4"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_process_stat(text));
    }
    const std::string whole = stat_line("x");
    for (std::size_t size = 0; size < whole.find("52428800"); ++size) {
        CHECK_FALSE(parse_process_stat(whole.substr(0, size)));
    }
}

TEST_CASE("a thread of the kernel is known by its flags") {
    const auto kthreadd =
        parse_process_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 3 0 0 20 0 1 0 2 0 0 0");
    REQUIRE(kthreadd);
    CHECK(kthreadd->kernel_thread);
    CHECK_FALSE(parse_process_stat(stat_line("kthreadd")).value().kernel_thread);
}

TEST_CASE("the effective user") {
    CHECK(parse_effective_user("Name:\tx\nUid:\t0\t33\t33\t33\nGid:\t0\t0\t0\t0\n") == 33U);
    CHECK_FALSE(parse_effective_user("Name:\tx\n"));
    CHECK_FALSE(parse_effective_user("Uid:\t-1\tx\t0\t0\n"));
}

TEST_CASE("command lines are joined by blanks") {
    CHECK(join_command_line(std::string("nginx: master process\0\0\0", 24)) == "nginx: master process");
    CHECK(join_command_line(std::string("a\0b c\0", 6)) == "a b c");
    CHECK(join_command_line("").empty());
}

TEST_CASE("mounts with blanks in their names") {
    const std::vector<Mount> mounts = parse_mounts("/dev/vda1 / ext4 rw,relatime 0 0\n"
                                                   "//nas/a\\040b /mnt/my\\040files cifs ro 0 0\n"
                                                   "broken line\n");
    REQUIRE(mounts.size() == 2);
    CHECK(mounts[0].type == "ext4");
    CHECK(mounts[1].device == "//nas/a b");
    CHECK(mounts[1].folder == "/mnt/my files");
    CHECK(mounts[1].options == "ro");
}

TEST_CASE("listening sockets, of both families") {
    const std::vector<ListeningSocket> sockets = parse_listening_sockets(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 12345 1\n"
        "   1: 0100007F:1F41 0100007F:9C40 01 00000000:00000000 00:00000000 00000000    33        0 12346 1\n"
        "   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 00:00000000 00000000     0        0 777 1\n"
        "   3: garbage 0 0A 0 0 0 0 0 1\n");
    REQUIRE(sockets.size() == 2);
    CHECK(sockets[0].address == "127.0.0.1");
    CHECK(sockets[0].port == 8000);
    CHECK(sockets[0].inode == 12345);
    CHECK(sockets[1].address == "::");
    CHECK(sockets[1].port == 80);
}

TEST_CASE("a recorded /proc is read whole, and what is odd in it is left out") {
    const TempFolder proc;
    spill(proc / "uptime", "1000.00 1.00\n");
    spill(proc / "4242/stat", stat_line("gunicorn: worke"));
    spill(proc / "4242/cmdline", std::string("gunicorn: worker [app]\0", 23));
    spill(proc / "4242/status", "Uid:\t33\t33\t33\t33\n");
    spill(proc / "1/stat", "garbage");
    spill(proc / "5/stat", "garbage");
    spill(proc / "5/cmdline", "x");
    spill(proc / "6/cmdline", "gone in between");
    spill(proc / "self/stat", stat_line("a link in the real one"));
    SystemHost host(proc.path());
    const Result<std::vector<ProcessInfo>> processes = host.processes();
    REQUIRE(processes);
    REQUIRE(processes->size() == 1);
    const ProcessInfo& worker = processes->front();
    CHECK(worker.pid == 4242);
    CHECK(worker.command_line == "gunicorn: worker [app]");
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    CHECK(worker.age == Duration(1'000'000 - 90'000 * 1000 / static_cast<std::int64_t>(ticks)));
    CHECK(worker.cpu_time.count() == static_cast<std::int64_t>(200 * 1000 / ticks));
    CHECK(worker.rss.count == 6144 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    // What looks like root's is asked for the truth: gunicorn's workers change their user without exec.
    CHECK(worker.owner == (::geteuid() == 0 ? 33U : ::geteuid()));

    spill(proc / "meminfo", "nonsense");
    const Result<MemoryInfo> memory = host.memory();
    REQUIRE_FALSE(memory);
    CHECK(memory.error().kind == ErrorKind::invalid);
    CHECK(host.oom_kills().error().kind == ErrorKind::not_found);
}

TEST_CASE("of processes that are not wanted only the command line is read") {
    const auto spill_process = [](const Path& folder, int pid, int parent, const std::string& command_line) {
        spill(folder / "stat",
              fmt::format("{} (x) S {} 0 0 0 0 0 0 0 0 0 1 1 0 0 20 0 1 0 5 0 1 0", pid, parent));
        spill(folder / "cmdline", command_line + '\0');
        spill(folder / "status", "Uid:\t0\t0\t0\t0\n");
    };
    const TempFolder proc;
    const int self = ::getpid();
    spill(proc / "uptime", "1000.00 1.00\n");
    spill_process(proc / std::to_string(self), self, 999999998, "lectio-health gunicorn");
    spill_process(proc / "999999998", 999999998, 1, "sh -c lectio-health");
    spill_process(proc / "1", 1, self, "init"); // a circle, as may be where numbers are given anew meanwhile
    spill_process(proc / "999999997", 999999997, 1, "gunicorn: master");
    spill(proc / "999999996/cmdline", "python other"); // its stat would be odd, were it read
    spill(proc / "999999995/stat", "999999995 (kthread) S 2 0");
    spill(proc / "999999995/cmdline", "");
    spill(proc / "999999994/cmdline", "gunicorn: gone since");

    const auto pids_with = [&](const std::string& word) {
        const auto processes = SystemHost(proc.path()).processes_with([&](const std::string& command_line) {
            return command_line.find(word) != std::string::npos;
        });
        std::set<int> pids;
        for (const ProcessInfo& process : processes.value()) {
            CHECK(pids.insert(process.pid).second);
        }
        return pids;
    };
    CHECK(pids_with("gunicorn") == std::set<int>{1, 999999997, 999999998, self});
    CHECK(pids_with("nothing such") == std::set<int>{1, 999999998, self});
}

TEST_CASE("processes that cannot be seen are not gone") {
    SECTION("hidden from us (hidepid): those of others are not there at all") {
        TempFolder proc;
        spill(proc / "uptime", "1000.0 2000.0\n");
        spill(proc / "self/stat", stat_line("we"));
        const Result<std::vector<ProcessInfo>> processes = SystemHost(proc.path()).processes();
        REQUIRE_FALSE(processes);
        CHECK(processes.error().kind == ErrorKind::permission);
    }
    SECTION("with a descriptor for the folder and none for what is in it") {
        const auto with_one_descriptor = [](rlim_t more) {
            const UniqueFd next(::dup(STDIN_FILENO));
            rlimit before{};
            ::getrlimit(RLIMIT_NOFILE, &before);
            const rlimit tight{static_cast<rlim_t>(next.get()) + more, before.rlim_max};
            ::setrlimit(RLIMIT_NOFILE, &tight);
            Result<std::vector<ProcessInfo>> processes = SystemHost().processes();
            Result<std::vector<ProcessInfo>> some =
                SystemHost().processes_with([](const std::string&) { return false; });
            ::setrlimit(RLIMIT_NOFILE, &before);
            CHECK(some.ok() == processes.ok());
            return processes;
        };
        REQUIRE(with_one_descriptor(20)); // UBSan has met all types by now, and wants no descriptor for them
        const Result<std::vector<ProcessInfo>> processes = with_one_descriptor(2);
        REQUIRE_FALSE(processes);
        CHECK(processes.error().kind == ErrorKind::internal);
    }
}

TEST_CASE("this very host can be read") {
    SystemHost host;
    CHECK_FALSE(host.hostname().empty());
    CHECK(host.cores() >= 1);
    CHECK(host.load());
    const Result<MemoryInfo> memory = host.memory();
    REQUIRE(memory);
    CHECK(memory->total > 0_B);
    CHECK(memory->available <= memory->total);
    const Result<DiskSpace> disk = host.disk("/");
    REQUIRE(disk);
    CHECK(disk->free <= disk->total);
    CHECK_FALSE(host.disk("/no/such/place"));
    const Result<std::vector<Mount>> mounts = host.mounts();
    REQUIRE(mounts);
    CHECK(
        std::any_of(mounts->begin(), mounts->end(), [](const Mount& mount) { return mount.folder == "/"; }));
    const Result<std::vector<ProcessInfo>> processes = host.processes();
    REQUIRE(processes);
    const auto self = std::find_if(processes->begin(), processes->end(), [&](const ProcessInfo& process) {
        return process.pid == host.self_pid();
    });
    REQUIRE(self != processes->end());
    CHECK(self->name == "unit-platform");
    CHECK(self->parent == ::getppid());
    CHECK(self->owner == ::geteuid());
    CHECK(self->state == 'R');
}

TEST_CASE("a listening socket of our own is found with its process") {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const Result<std::vector<Listener>> listeners = SystemHost().listeners();
    REQUIRE(listeners);
    const auto ours = std::find_if(listeners->begin(), listeners->end(), [&](const Listener& listener) {
        return listener.port == ntohs(address.sin_port) && listener.address == "127.0.0.1";
    });
    REQUIRE(ours != listeners->end());
    CHECK(ours->pid == ::getpid());
    CHECK(ours->process == "unit-platform");
}

TEST_CASE("listening Unix sockets with a path, as the kernel writes them") {
    const std::vector<ListeningSocket> sockets =
        parse_unix_sockets("Num       RefCount Protocol Flags    Type St Inode Path\n"
                           "00000000a6b0d5a3: 00000002 00000000 00010000 0001 01 24680 /run/gunicorn.sock\n"
                           "00000000a6b0d5a4: 00000002 00000000 00010000 0001 01 24681 /run/with blank.sock\n"
                           "00000000a6b0d5a5: 00000002 00000000 00010000 0001 01 24682 @abstract/name\n"
                           "00000000a6b0d5a6: 00000003 00000000 00000000 0001 03 24683 /run/connected.sock\n"
                           "00000000a6b0d5a7: 00000002 00000000 00010000 0005 01 24684 /run/udev/control\n"
                           "00000000a6b0d5a8: 00000003 00000000 00000000 0001 03 24685\n"
                           "nonsense /\n");
    REQUIRE(sockets.size() == 2);
    CHECK(sockets[0].address == "/run/gunicorn.sock");
    CHECK(sockets[0].inode == 24680);
    CHECK(sockets[0].port == 0);
    CHECK(sockets[1].address == "/run/with blank.sock");
}

TEST_CASE("the unit of a process by its cgroup") {
    CHECK(parse_unit_of_cgroup("0::/system.slice/nginx.service\n") == "nginx.service");
    CHECK(parse_unit_of_cgroup("0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n") ==
          "postgresql@15-main.service");
    CHECK(parse_unit_of_cgroup("0::/system.slice/app.service/worker\n") == "app.service"); // Delegate=yes
    CHECK(parse_unit_of_cgroup("0::/user.slice/user-0.slice/session-3.scope\n") == "session-3.scope");
    CHECK(parse_unit_of_cgroup("4:memory:/x.service\n1:name=systemd:/system.slice/redis.service\n0::/\n") ==
          "redis.service");
    CHECK(parse_unit_of_cgroup("0::/\n").empty());
    CHECK(parse_unit_of_cgroup("").empty());
}

TEST_CASE("where a process is") {
    SystemHost host;
    const Result<ProcessPlace> place = host.place(::getpid());
    REQUIRE(place);
    CHECK(place->folder == std::filesystem::current_path());
    CHECK_FALSE(place->contained);
    const Result<ProcessPlace> nobody = host.place(0x7fffffff);
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().kind == ErrorKind::not_found);
}

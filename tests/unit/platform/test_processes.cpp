#include "platform/files.h"
#include "platform/processes.h"
#include "platform/stop.h"
#include "platform/users.h"
#include "support/temp_folder.h"
#include "util/text.h"
#include "util/unique_fd.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

ProcessRequest request(std::vector<std::string> command) {
    ProcessRequest made;
    made.command = std::move(command);
    return made;
}

ProcessRequest shell(const std::string& script) {
    return request({"sh", "-c", script});
}

ProcessAnswer run(const ProcessRequest& asked) {
    Result<ProcessAnswer> answer = SystemProcesses().run(asked);
    if (!answer) {
        FAIL(answer.error().message);
    }
    return std::move(*answer);
}

// A killed process is gone at once or lies as a zombie until its new parent has looked.
bool is_running(int pid) {
    const std::string path = fmt::format("/proc/{}/stat", pid);
    const Result<std::string> stat = SystemFiles().read(path, 4_kB);
    return stat && stat->find(") Z") == std::string::npos;
}

void wait_until_gone(int pid) {
    for (int i = 0; i < 2000 && is_running(pid); ++i) {
        std::this_thread::sleep_for(5ms);
    }
    CHECK_FALSE(is_running(pid));
}

} // namespace

TEST_CASE("a process that leaves takes along what its programs have started") {
    TempFolder folder;
    const std::string script =
        fmt::format("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", (folder / "pid").string());
    std::thread attendant([&] {
        const ProcessAnswer answer = run(shell(script));
        CHECK(answer.signal == SIGKILL);
    });
    SystemFiles files;
    for (int i = 0; i < 2000 && !files.read(folder / "pid", 1_kB); ++i) {
        std::this_thread::sleep_for(5ms);
    }
    const Result<std::string> pid = files.read(folder / "pid", 1_kB);
    REQUIRE(pid);
    end_running_programs();
    attendant.join();
    wait_until_gone(std::stoi(*pid));
}

TEST_CASE("a program's output and exit status come back apart") {
    const ProcessAnswer answer = run(shell("echo out; echo err >&2; exit 3"));
    CHECK(answer.out == "out\n");
    CHECK(answer.err == "err\n");
    CHECK(answer.exit_status == 3);
    CHECK(answer.signal == 0);
    CHECK_FALSE(answer.timed_out);
    CHECK_FALSE(answer.cut);
}

TEST_CASE("an end by a signal is no exit status") {
    const ProcessAnswer answer = run(shell("kill -TERM $$"));
    CHECK_FALSE(answer.exit_status.has_value());
    CHECK(answer.signal == SIGTERM);
}

TEST_CASE("arguments reach the program as they are") {
    const ProcessAnswer answer = run(request({"printf", "%s|", "a b", "$(id)", "", "'\"\\", "*"}));
    CHECK(answer.out == "a b|$(id)||'\"\\|*|");
}

TEST_CASE("what cannot be started is an error that says what and why") {
    const TempFolder folder;
    spill(folder / "not-executable", "x");
    const auto error_of = [](const ProcessRequest& asked) {
        const Result<ProcessAnswer> answer = SystemProcesses().run(asked);
        REQUIRE_FALSE(answer);
        return answer.error();
    };
    CHECK(error_of(request({})).kind == ErrorKind::invalid);
    CHECK(error_of(request({"bin/true"})).kind == ErrorKind::invalid);
    CHECK(error_of(request({"no-such-program-here"})).kind == ErrorKind::not_found);
    CHECK(error_of(request({"/no/such/program"})).kind == ErrorKind::not_found);
    CHECK(error_of(request({(folder / "not-executable").string()})).kind == ErrorKind::permission);
    ProcessRequest elsewhere = request({"true"});
    elsewhere.folder = "/no/such/folder";
    CHECK(error_of(elsewhere).message.find("/no/such/folder") != std::string::npos);
    ProcessRequest stranger = request({"true"});
    stranger.user = "no-such-user";
    CHECK(error_of(stranger).kind == ErrorKind::not_found);
}

TEST_CASE("the environment is clean but for what was asked") {
    ::setenv("LECTIO_TEST_LEAK", "secret", 1);
    ProcessRequest asked = request({"env"});
    asked.environment = {{"A", "1"}, {"LANG", "C"}};
    std::vector<std::string> lines;
    const ProcessAnswer answer = run(asked);
    for (const std::string_view line : split_lines(answer.out)) {
        lines.emplace_back(line);
    }
    std::sort(lines.begin(), lines.end());
    CHECK(lines ==
          std::vector<std::string>{"A=1", "HOME=" + find_user(::geteuid())->home, "LANG=C",
                                   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
    ::unsetenv("LECTIO_TEST_LEAK");
}

TEST_CASE("input is given and closed; a program that does not read it harms nobody") {
    ProcessRequest asked = request({"cat"});
    asked.input = std::string(300'000, 'x');
    asked.max_output = 1_MB;
    CHECK(run(asked).out == asked.input);
    ProcessRequest deaf = request({"true"});
    deaf.input = std::string(300'000, 'x');
    CHECK(run(deaf).exit_status == 0);
    CHECK(run(request({"cat"})).out.empty()); // no input: the end at once
}

TEST_CASE("standard input and output may be files of the caller's, of any length and past our memory") {
    const TempFolder folder;
    const std::string content(3'000'000, 'x');
    spill(folder / "in", content + "end");
    const UniqueFd in(::open((folder / "in").c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd out(::open((folder / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ProcessRequest asked = shell("cat; echo said >&2");
    asked.input_from = in.get();
    asked.output_to = out.get();
    asked.max_output = 10_B;
    const ProcessAnswer answer = run(asked);
    CHECK(answer.exit_status == 0);
    CHECK(answer.out.empty());
    CHECK(answer.err == "said\n");
    CHECK_FALSE(answer.cut);
    CHECK(slurp(folder / "out") == content + "end");

    SECTION("either of them, and the other is a pipe to us") {
        ProcessRequest reads = shell("wc -c");
        reads.input_from = UniqueFd(::open((folder / "in").c_str(), O_RDONLY | O_CLOEXEC)).release();
        const UniqueFd ours(reads.input_from);
        CHECK(run(reads).out == "3000003\n");
        ProcessRequest writes = shell("cat");
        writes.input = "more";
        writes.output_to = out.get();
        CHECK(run(writes).exit_status == 0);
        CHECK(slurp(folder / "out") == content + "endmore");
    }
}

TEST_CASE("endless output is bounded and does not outlive the timeout") {
    ProcessRequest asked = request({"yes"});
    asked.timeout = 2s;
    asked.max_output = 1_kB;
    const ProcessAnswer answer = run(asked);
    CHECK(answer.timed_out);
    CHECK(answer.cut);
    CHECK(answer.out.size() == 1024);
}

TEST_CASE("a program has no terminal to type into: it leads a session of its own") {
    // /proc/self/stat: pid (comm) state ppid pgrp session tty_nr; cat is the program itself.
    const ProcessAnswer answer = run(request({"cat", "/proc/self/stat"}));
    const std::vector<std::string_view> fields = split(answer.out, ' ');
    REQUIRE(fields.size() > 6);
    CHECK(fields[4] == fields[0]); // of a group of its own, which is ended whole
    CHECK(fields[5] == fields[0]);
    CHECK(fields[6] == "0");
}

TEST_CASE("at the timeout the whole group is ended, grandchildren and the deaf included") {
    ProcessRequest asked = shell("trap '' TERM; sleep 1000 & echo $! $$; wait");
    asked.timeout = 2s;
    const ProcessAnswer answer = run(asked);
    CHECK(answer.timed_out);
    CHECK(answer.signal == SIGKILL);
    const std::vector<std::string_view> pids = split(trim(answer.out), ' ');
    REQUIRE(pids.size() == 2);
    for (const std::string_view pid : pids) {
        wait_until_gone(std::stoi(std::string(pid)));
    }
}

TEST_CASE("at the timeout a session of its own saves no descendant") {
    // Neither in the group: one in a session of its own, and what that has started.
    ProcessRequest asked = shell("setsid sh -c 'echo $$; sleep 1000 & echo $!; wait' & wait");
    asked.timeout = 2s;
    const ProcessAnswer answer = run(asked);
    CHECK(answer.timed_out);
    const std::vector<std::string_view> pids = split_lines(trim(answer.out));
    REQUIRE(pids.size() == 2);
    for (const std::string_view pid : pids) {
        wait_until_gone(std::stoi(std::string(pid)));
    }
}

TEST_CASE("a program that leaves something behind does not hold us up") {
    // The sleeper keeps standard output open; it is ended with its group.
    const ProcessAnswer answer = run(shell("sleep 1000 & echo $!"));
    CHECK(answer.exit_status == 0);
    CHECK_FALSE(answer.timed_out);
    wait_until_gone(std::stoi(answer.out));
}

TEST_CASE("a request to stop ends the program") {
    request_stop_for_test(SIGTERM);
    const Result<ProcessAnswer> answer = SystemProcesses().run(request({"sleep", "1000"}));
    request_stop_for_test(0);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().message.find("asked to stop") != std::string::npos);
}

TEST_CASE("no zombie stays behind") {
    for (int i = 0; i < 5; ++i) {
        run(request({"true"}));
        (void)SystemProcesses().run(request({"/no/such/program"}));
    }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("the program gets no descriptors and no signal settings of ours") {
    const UniqueFd leaky(::open("/dev/null", O_RDONLY)); // as a careless library would
    REQUIRE(leaky.valid());
    struct sigaction ignore {
    }, before{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before);
    sigset_t blocked, old;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
    // ls itself has one descriptor open: the folder that it lists.
    const ProcessAnswer descriptors = run(request({"ls", "/proc/self/fd"}));
    const ProcessAnswer status = run(request({"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}));
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    ::sigaction(SIGPIPE, &before, nullptr);
    CHECK(descriptors.out == "0\n1\n2\n3\n");
    CHECK(status.out == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("it works where the standard descriptors are closed") {
    // In a process of its own, because Catch2 needs them.
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        for (const int fd : {0, 1, 2}) {
            ::close(fd);
        }
        ProcessRequest asked = shell("cat; echo err >&2");
        asked.input = "in";
        const Result<ProcessAnswer> answer = SystemProcesses().run(asked);
        ::_exit(answer && answer->out == "in" && answer->err == "err\n" ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

namespace {

// What became of `true` in a process that was started with SIGCHLD ignored; of its own, because the setting is
// the process's.
template<class Prepare>
int in_process_that_ignores_children(Prepare prepare) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        std::signal(SIGCHLD, SIG_IGN);
        prepare();
        const Result<ProcessAnswer> answer = SystemProcesses().run(request({"true"}));
        ::_exit(!answer ? 2 : answer->timed_out ? 3 : answer->exit_status == 0 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

} // namespace

TEST_CASE("SIGCHLD that a parent has had ignored is taken back at the start") {
    CHECK(in_process_that_ignores_children([] { catch_stop_signals([] {}); }) == 0);
}

TEST_CASE("an end that was taken from us is an error at once, not a timeout") {
    CHECK(in_process_that_ignores_children([] {}) == 2);
}

TEST_CASE("children die with us") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        // The shell tells its number through a descriptor of ours that it opens itself.
        const std::string place = fmt::format("/proc/{}/fd/{}", ::getpid(), to.get());
        (void)SystemProcesses().run(shell("echo $$ > " + place + "; exec sleep 1000"));
        ::_exit(0);
    }
    to.reset();
    std::array<char, 32> buffer{};
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size() - 1);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    REQUIRE(got > 0);
    wait_until_gone(std::stoi(buffer.data()));
}

TEST_CASE("many threads may start programs at once") {
    std::vector<std::thread> threads;
    std::vector<std::string> outputs(16);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        threads.emplace_back([i, &outputs] {
            const Result<ProcessAnswer> answer = SystemProcesses().run(request({"echo", std::to_string(i)}));
            outputs[i] = answer ? answer->out : answer.error().message;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        CHECK(outputs[i] == fmt::format("{}\n", i));
    }
}

TEST_CASE("another user is become entirely, or not at all") {
    ProcessRequest asked =
        shell("id -u; id -G; echo $HOME; cat /etc/shadow >/dev/null 2>&1 || echo kept out");
    asked.user = "nobody";
    const Result<ProcessAnswer> answer = SystemProcesses().run(asked);
    if (::geteuid() != 0) {
        REQUIRE_FALSE(answer);
        CHECK(answer.error().kind == ErrorKind::permission);
        return;
    }
    REQUIRE(answer);
    CHECK(answer->out == "65534\n65534\n/nonexistent\nkept out\n");
}

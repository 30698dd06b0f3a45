#include "platform/attended.h"
#include "platform/stop.h"
#include "support/temp_folder.h"
#include "util/unique_fd.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>

#include <fcntl.h>

using namespace lectio;
using namespace std::chrono_literals;

namespace {

AttendedRequest shell(const std::string& script) {
    static const UniqueFd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    AttendedRequest request;
    request.command = {"sh", "-c", script};
    request.out = request.err = nowhere.get();
    return request;
}

} // namespace

TEST_CASE("attend: the exit status and the end of both outputs") {
    const Result<AttendedAnswer> answer = attend(shell("echo out; echo err >&2; exit 3"));
    REQUIRE(answer);
    CHECK(answer->exit_status == 3);
    CHECK(answer->signal == 0);
    CHECK_FALSE(answer->overran);
    CHECK(answer->tail.find("out\n") != std::string::npos);
    CHECK(answer->tail.find("err\n") != std::string::npos);
}

TEST_CASE("attend: what a command says is kept to its end, whole") {
    AttendedRequest request = shell("seq 100000");
    request.tail = Bytes{20};
    const Result<AttendedAnswer> answer = attend(request);
    REQUIRE(answer);
    CHECK(answer->tail == "\n99998\n99999\n100000\n");
}

TEST_CASE("attend: a signal that ended it") {
    const Result<AttendedAnswer> answer = attend(shell("kill -9 $$"));
    REQUIRE(answer);
    CHECK_FALSE(answer->exit_status);
    CHECK(answer->signal == SIGKILL);
}

TEST_CASE("attend: what cannot be started") {
    AttendedRequest request;
    request.command = {"no-such-program-anywhere"};
    CHECK(attend(request).error().kind == ErrorKind::not_found);
    request.command = {"/etc/passwd"};
    CHECK(attend(request).error().kind == ErrorKind::permission);
}

TEST_CASE("attend: its time is over, and it ends by itself") {
    AttendedRequest request = shell("trap 'echo asked; exit 0' TERM; while :; do sleep 0.05; done");
    request.limit = 300ms;
    const Result<AttendedAnswer> answer = attend(request);
    REQUIRE(answer);
    CHECK(answer->overran);
    CHECK(answer->exit_status == 0);
    CHECK(answer->tail == "asked\n");
}

TEST_CASE("attend: who does not end by himself is killed, with what he has started") {
    const TempFolder folder;
    const std::string note = (folder.path() / "child").string();
    AttendedRequest request = shell("trap '' TERM; sleep 300 & echo $! > " + note + "; wait");
    request.limit = 300ms;
    request.grace = 300ms;
    const Result<AttendedAnswer> answer = attend(request);
    REQUIRE(answer);
    CHECK(answer->overran);
    CHECK(answer->signal == SIGKILL);
    pid_t child = 0;
    std::ifstream(note) >> child;
    REQUIRE(child > 0);
    // Killed; who collects it (init, a subreaper) may take a moment.
    const auto until = std::chrono::steady_clock::now() + 90s;
    while (::kill(child, 0) == 0 && std::chrono::steady_clock::now() < until) {
        std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
        std::string pid, name, state;
        if (stat >> pid >> name >> state && state == "Z") {
            break;
        }
        std::this_thread::sleep_for(10ms);
    }
    CHECK(std::chrono::steady_clock::now() < until);
}

TEST_CASE("attend: what is left in the background does not hold it up") {
    const Result<AttendedAnswer> answer = attend(shell("sleep 300 & echo $!"));
    REQUIRE(answer);
    CHECK(answer->exit_status == 0);
    ::kill(static_cast<pid_t>(std::stoi(answer->tail)), SIGKILL);
    CHECK(answer->took < 200s);
}

TEST_CASE("attend: a wish to stop is handed on") {
    request_stop_for_test(SIGINT);
    const Result<AttendedAnswer> answer = attend(shell("trap 'exit 7' INT; while :; do sleep 0.05; done"));
    request_stop_for_test(0);
    REQUIRE(answer);
    CHECK(answer->stopped == SIGINT);
}

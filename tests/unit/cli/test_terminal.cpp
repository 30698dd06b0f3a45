#include "cli/terminal.h"
#include "util/unique_fd.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

using namespace lectio;

namespace {

struct Pipe {
    UniqueFd read_end, write_end;
};
Pipe non_blocking_pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;) {
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
}

} // namespace

TEST_CASE("a pipe that does not block gets the whole report") {
    const std::string report(1'000'000, 'x'); // a pipe holds 65536
    Pipe pipe = non_blocking_pipe();
    bool written = false;
    std::thread writer([&] {
        written = write_whole(pipe.write_end.get(), report).ok();
        pipe.write_end.reset();
    });
    CHECK(read_all(pipe.read_end.get()) == report);
    writer.join();
    CHECK(written);
}

TEST_CASE("a reader that goes away is an error, not a wait for ever") {
    std::signal(SIGPIPE, SIG_IGN);
    Pipe pipe = non_blocking_pipe();
    Result<void> written;
    std::thread writer([&] { written = write_whole(pipe.write_end.get(), std::string(1'000'000, 'x')); });
    char first = 0;
    CHECK(::read(pipe.read_end.get(), &first, 1) == 1);
    pipe.read_end.reset();
    writer.join();
    CHECK_FALSE(written.ok());
}

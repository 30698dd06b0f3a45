#include "platform/package_run.h"
#include "support/temp_folder.h"
#include "util/unique_fd.h"

#include <array>
#include <csignal>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;

namespace {

// Another process that holds a record lock, as dpkg does: locks of our own are none for F_GETLK.
class LockHolder {
  public:
    explicit LockHolder(const Path& file) {
        std::array<int, 2> ready{};
        REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
        m_pid = ::fork();
        if (m_pid == 0) {
            struct flock lock {};
            lock.l_type = F_WRLCK;
            const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
            const bool held = ::fcntl(fd, F_SETLK, &lock) == 0;
            if (held && ::write(ready[1], "x", 1) == 1) {
                ::pause();
            }
            ::_exit(1);
        }
        ::close(ready[1]);
        char answer = 0;
        REQUIRE(::read(ready[0], &answer, 1) == 1);
        ::close(ready[0]);
    }
    ~LockHolder() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;
    [[nodiscard]] int pid() const { return m_pid; }

  private:
    pid_t m_pid = -1;
};

} // namespace

TEST_CASE("who holds the lock of the packages, and for how long he is there") {
    const TempFolder folder;
    const Path lock = folder.path() / "lock";
    CHECK_FALSE(package_run(lock)); // no dpkg here
    {
        const LockHolder dpkg(lock);
        const std::optional<PackageRun> run = package_run(lock);
        REQUIRE(run);
        CHECK(run->pid == dpkg.pid());
        CHECK(run->age < std::chrono::hours(1));
    }
    CHECK_FALSE(package_run(lock)); // the file stays, its lock does not
    CHECK_FALSE(package_run(folder.path()));
}

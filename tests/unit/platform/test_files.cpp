#include "platform/clock.h"
#include "platform/files.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;

namespace {

constexpr WallTime k_now{std::chrono::milliseconds(1'769'076'000'000)};
constexpr int k_not_possible = 77;

// What `act` says in a process for which the folder lies on a read-only file system; none where this machine does
// not let us make one (it takes root, or user namespaces).
std::optional<bool> on_read_only(const Path& folder, const std::function<bool()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool apart = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
        const char* path = folder.c_str();
        const bool read_only =
            apart && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
            ::mount(path, path, nullptr, MS_BIND, nullptr) == 0 &&
            ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
        ::_exit(!read_only ? k_not_possible : act() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    const int code = WEXITSTATUS(status);
    return code == k_not_possible ? std::nullopt : std::optional(code == 0);
}

} // namespace

TEST_CASE("what is no file is not even opened: to open a device is to act") {
    const TempFolder folder;
    const Path socket = folder / "index.html"; // open() of a socket fails, looking at it does not
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
    const Result<std::string> content = SystemFiles().read(socket, 1_kB);
    REQUIRE_FALSE(content.ok());
    CHECK(content.error().kind == ErrorKind::invalid);
    CHECK(content.error().message.find("not a regular file") != std::string::npos);
}

TEST_CASE("A lock is held by one, who is named to the other") {
    const TempFolder folder;
    SystemFiles files;
    Result<Lock> first = files.lock(folder / "x.lock", "lectio-health", k_now);
    REQUIRE(first);
    const Result<Lock> second = files.lock(folder / "x.lock", "lectio-deploy", k_now);
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::busy);
    CHECK(second.error().message.find("lectio-health, process " + std::to_string(::getpid())) !=
          std::string::npos);
    first->release();
    CHECK(files.lock(folder / "x.lock", "lectio-deploy", k_now));
    // Whoever may read it may lock it.
    CHECK(files.info(folder / "x.lock", Files::Follow::no)->mode == 0600);
}

TEST_CASE("A lock file is not followed elsewhere") {
    const TempFolder folder;
    std::filesystem::create_symlink(folder / "elsewhere", folder / "x.lock");
    CHECK_FALSE(SystemFiles().lock(folder / "x.lock", "lectio-health", k_now));
    CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("On a read-only file system the lock file that is there locks as ever") {
    const TempFolder folder;
    spill(folder / "x.lock", "lectio-health, process 7, since 2026-01-22T10:00:00Z\n");
    const std::optional<bool> good = on_read_only(folder.path(), [&] {
        SystemFiles files;
        const Result<Lock> first = files.lock(folder / "x.lock", "lectio-health", k_now);
        const Result<Lock> second = files.lock(folder / "x.lock", "lectio-health", k_now);
        return first.ok() && !second.ok() && second.error().kind == ErrorKind::busy;
    });
    CHECK(good.value_or(true));
}

TEST_CASE("On a read-only file system without a lock file it is said that it is read-only") {
    const TempFolder folder;
    const std::optional<bool> good = on_read_only(folder.path(), [&] {
        const Result<Lock> lock = SystemFiles().lock(folder / "x.lock", "lectio-health", k_now);
        // Not a matter of rights: sudo would not help.
        return !lock.ok() && lock.error().kind == ErrorKind::io &&
               lock.error().message.ends_with("Read-only file system");
    });
    CHECK(good.value_or(true));
}

TEST_CASE("Root reads a log through links, but not where another user's link leads to what is not his") {
    if (::geteuid() != 0) {
        WARN("only root can lay links for others");
        return;
    }
    constexpr uid_t k_another = 33, k_third = 34;
    const TempFolder folder;
    SystemFiles files;
    const auto own = [](const Path& path, uid_t owner) {
        REQUIRE(::lchown(path.c_str(), owner, owner) == 0);
    };
    std::filesystem::create_directory(folder / "theirs");
    spill(folder / "secret", "PASSWORD=x\n");
    spill(folder / "theirs/real.log", "line\n");
    own(folder / "theirs/real.log", k_another);
    own(folder / "theirs", k_another);
    const Path log = folder / "theirs/app.log";
    const auto lay = [&](const Path& target, uid_t owner) {
        std::filesystem::remove(log);
        std::filesystem::create_symlink(target, log);
        own(log, owner);
    };
    const auto read = [&] { return files.read_from(log, 0_B, 1_kB); };

    lay(folder / "secret", k_another);
    const Result<std::string> led = read();
    REQUIRE_FALSE(led);
    CHECK(led.error().kind == ErrorKind::permission);
    CHECK(led.error().message.find("may have been laid by another user") != std::string::npos);

    lay(folder / "theirs/real.log", k_another); // their own, wherever they keep it
    CHECK(read().value_or("") == "line\n");
    lay("real.log", k_another);
    CHECK(read().value_or("") == "line\n");

    // A link of root's in their folder: they may have moved it there.
    lay("../theirs/real.log", 0);
    CHECK(read().value_or("") == "line\n");
    own(folder / "theirs/real.log", k_third);
    CHECK_FALSE(read());
    own(folder / "theirs/real.log", k_another);
    std::filesystem::permissions(folder / "theirs", std::filesystem::perms::group_write,
                                 std::filesystem::perm_options::add); // or somebody else of their group
    CHECK_FALSE(read());
    std::filesystem::permissions(folder / "theirs", std::filesystem::perms::group_write,
                                 std::filesystem::perm_options::remove);

    // The folder on the way is a link of theirs: the same holds.
    const Path way = folder / "theirs/way";
    std::filesystem::create_symlink(folder.path(), way);
    own(way, k_another);
    CHECK(files.read_from(way / "secret", 0_B, 1_kB).error().kind == ErrorKind::permission);
    CHECK(files.read_from(way / "theirs/real.log", 0_B, 1_kB).value_or("") == "line\n");

    // Of two strangers' links neither speaks for the other.
    lay(way / "theirs/real.log", k_third);
    CHECK(read().error().kind == ErrorKind::permission);

    // Nobody else writes there, so root's own link is meant so.
    std::filesystem::create_symlink(folder / "secret", folder / "roots.log");
    CHECK(files.read_from(folder / "roots.log", 0_B, 1_kB).value_or("") == "PASSWORD=x\n");
    std::filesystem::remove(log);
    REQUIRE(::mkfifo(log.c_str(), 0600) == 0);
    CHECK(read().error().kind == ErrorKind::invalid);
}

#include "platform/stranded.h"
#include "support/temp_folder.h"

#include <cstring>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Outcome = Stranded::Outcome;

namespace {

struct Answer {
    int number = 0;
    char path[64] = {};
};

void say_the_path(const char* path, void* answer) {
    auto& filled = *static_cast<Answer*>(answer);
    filled.number = 42;
    std::strncpy(filled.path, path, sizeof filled.path - 1);
}

void hang(const char*, void*) {
    for (;;) {
        ::pause();
    }
}

void die(const char*, void*) {
    ::_exit(3);
}

// 1 where a descriptor of ours is open in the child beside the pipe.
void count_descriptors(const char*, void* answer) {
    auto& filled = *static_cast<Answer*>(answer);
    for (int fd = STDERR_FILENO + 2; fd < 256; ++fd) {
        filled.number += ::lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF ? 1 : 0;
    }
}

Mount mount_at(const std::string& folder, const std::string& type) {
    return {"device", folder, type, "rw"};
}

std::string mount_for(const Path& path, const std::vector<Mount>& mounts) {
    const std::optional<Mount> found = mount_that_may_hang(path, mounts);
    return found ? found->folder : "";
}

} // namespace

TEST_CASE("what a child has seen comes back") {
    Answer answer;
    const Stranded asked = ask_in_child(say_the_path, "/srv/media", answer, 10s, "");
    CHECK(asked.outcome == Outcome::answered);
    CHECK(answer.number == 42);
    CHECK(std::string(answer.path) == "/srv/media");
    CHECK(asked.left_behind.empty());
}

TEST_CASE("a child holds nothing of ours") {
    const TempFolder folder;
    SystemFiles files;
    const Result<Lock> lock = files.lock(folder / "lock", "test", {});
    REQUIRE(lock.ok());
    Answer answer;
    CHECK(ask_in_child(count_descriptors, "/", answer, 10s, "").outcome == Outcome::answered);
    CHECK(answer.number == 0);
}

TEST_CASE("a child that hangs ends the question, not the run") {
    Answer answer;
    const Stranded asked = ask_in_child(hang, "/", answer, 50ms, "");
    CHECK(asked.outcome == Outcome::hangs);
    // This one could be killed: nothing is left behind, and no zombie either.
    CHECK(asked.left_behind.empty());
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a child that dies is our fault, not the disk's") {
    Answer answer;
    const Stranded asked = ask_in_child(die, "/", answer, 10s, "");
    CHECK(asked.outcome == Outcome::failed);
    CHECK_FALSE(asked.error.message.empty());
}

TEST_CASE("while the child of an earlier run hangs, no second one is started") {
    // In place of one that cannot be killed: a process that lives, by the same mark.
    const pid_t pid = ::fork();
    if (pid == 0) {
        hang(nullptr, nullptr);
    }
    const Path stat = fmt::format("/proc/{}/stat", pid);
    const std::string text = slurp(stat);
    // The 22nd field is the start (proc(5)); the name of this program holds no blank.
    std::string start = text;
    for (int field = 1; field < 22; ++field) {
        start = start.substr(start.find(' ') + 1);
    }
    const std::string mark = fmt::format("{}/{}", pid, start.substr(0, start.find(' ')));
    Answer answer;
    const Stranded asked = ask_in_child(say_the_path, "/", answer, 10s, mark);
    CHECK(asked.outcome == Outcome::still_hangs);
    CHECK(asked.left_behind == mark);
    CHECK(answer.number == 0);
    // Another process has got its number meanwhile.
    CHECK(ask_in_child(say_the_path, "/", answer, 10s, fmt::format("{}/1", pid)).outcome ==
          Outcome::answered);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    CHECK(ask_in_child(say_the_path, "/", answer, 10s, mark).outcome == Outcome::answered);
}

TEST_CASE("a mark that is none is no child") {
    Answer answer;
    for (const char* mark : {"garbage", "-1/5", "0/0", "99999999999999999999/1", "/"}) {
        CHECK(ask_in_child(say_the_path, "/", answer, 10s, mark).outcome == Outcome::answered);
    }
}

TEST_CASE("which mounts may hang") {
    const std::vector<Mount> mounts{mount_at("/", "ext4"), mount_at("/mnt/media", "nfs4"),
                                    mount_at("/srv", "xfs"), mount_at("/srv/s3", "fuse.s3fs"),
                                    mount_at("/mnt/media/local", "ext4")};
    CHECK(mount_for("/mnt/media", mounts) == "/mnt/media");
    CHECK(mount_for("/mnt/media/a/b", mounts) == "/mnt/media");
    CHECK(mount_for("/srv/s3/x", mounts) == "/srv/s3");
    CHECK(mount_for("/srv/x/../s3/x", mounts) == "/srv/s3");
    CHECK(mount_for("/mnt/mediaeval", mounts).empty());
    CHECK(mount_for("/srv", mounts).empty());
    CHECK(mount_for("/", mounts).empty());
    // The way there leads through the network.
    CHECK(mount_for("/mnt/media/local/x", mounts) == "/mnt/media");
    // What hides the network is what is asked.
    CHECK(mount_for("/srv", {mount_at("/", "ext4"), mount_at("/srv", "nfs"), mount_at("/srv", "tmpfs")})
              .empty());
    // A root over the network: everything would hang, this program included.
    CHECK(mount_for("/etc", {mount_at("/", "nfs")}).empty());
}

TEST_CASE("a link may lead to a mount that may hang") {
    const TempFolder folder;
    std::filesystem::create_directory(folder / "far");
    std::filesystem::create_symlink(folder / "far", folder / "near");
    std::filesystem::create_symlink("near/x", folder / "relative");
    std::filesystem::create_symlink("circle", folder / "circle");
    const std::vector<Mount> mounts{mount_at("/", "ext4"), mount_at((folder / "far").string(), "cifs")};
    CHECK(mount_for(folder / "near", mounts) == (folder / "far").string());
    CHECK(mount_for(folder / "relative", mounts) == (folder / "far").string());
    CHECK(mount_for(folder / "circle", mounts).empty());
    CHECK(mount_for(folder / "nothing/there", mounts).empty());
}

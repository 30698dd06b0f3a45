#include "platform/matched_files.h"
#include "support/scoped_mount.h"
#include "support/temp_folder.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;

namespace {

bool always() {
    return true;
}

struct Place {
    TempFolder folder;
    OpenFiles nobody;

    Place() {
        std::filesystem::create_directories(folder / "tmp");
        std::filesystem::create_directories(folder / "outside");
        spill(folder / "outside" / "precious", "precious");
    }
    [[nodiscard]] MatchedFiles files(const std::string& below) const {
        return *MatchedFiles::of((folder.path() / below).string());
    }
    [[nodiscard]] std::vector<std::string> names(const std::string& below) const {
        std::vector<std::string> all;
        const Result<std::vector<MatchedFile>> found = files(below).look(nobody);
        for (const MatchedFile& file : *found) {
            all.push_back(file.path.lexically_relative(folder.path()).string());
        }
        return all;
    }
    [[nodiscard]] bool precious_is_there() const {
        return slurp(folder / "outside" / "precious") == "precious";
    }
};

// A process that holds something until it is let go.
class Holder {
  public:
    template<class Hold>
    explicit Holder(const Hold& hold) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        m_pid = ::fork();
        if (m_pid == 0) {
            ::alarm(600); // never outlives a test that was killed
            hold();
            [[maybe_unused]] const ssize_t said = ::write(ready[1], "x", 1);
            for (;;) {
                ::pause();
            }
        }
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Holder() {
        ::kill(m_pid, SIGKILL);
        ::waitpid(m_pid, nullptr, 0);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    [[nodiscard]] int pid() const { return m_pid; }

  private:
    pid_t m_pid = 0;
};

} // namespace

TEST_CASE("matched files: what a pattern names, and nothing else", "[matched]") {
    Place place;
    for (const char* name : {"tmp/a.log", "tmp/b.log", "tmp/.hidden.log", "tmp/c.txt"}) {
        spill(place.folder.path() / name, "x");
    }
    std::filesystem::create_directories(place.folder / "tmp/systemd-private-1/tmp");
    CHECK(place.names("tmp/*.log") == std::vector<std::string>{"tmp/a.log", "tmp/b.log"});
    CHECK(place.names("tmp/.*.log") == std::vector<std::string>{"tmp/.hidden.log"});
    CHECK(place.names("tmp/c.txt") == std::vector<std::string>{"tmp/c.txt"});
    CHECK(place.names("tmp/s*").empty());
    CHECK(MatchedFiles::of((place.folder.path() / "nowhere/*").string()).error().kind ==
          ErrorKind::not_found);
}

TEST_CASE("matched files: no link is followed, neither on the way nor at its end", "[matched]") {
    Place place;
    std::filesystem::create_directory_symlink(place.folder / "outside", place.folder / "tmp/way");
    std::filesystem::create_symlink(place.folder / "outside" / "precious", place.folder / "tmp/link");
    CHECK(place.names("tmp/*/precious").empty());
    const MatchedFiles files = place.files("tmp/*");
    const Result<std::vector<MatchedFile>> found = files.look(place.nobody);
    REQUIRE(found->size() == 2);
    for (const MatchedFile& file : *found) {
        CHECK(file.type == FileInfo::Type::link);
        CHECK(!files.open(file, O_RDWR));
        CHECK(files.remove(file, place.nobody, always));
    }
    CHECK(place.precious_is_there());
    CHECK(place.names("tmp/*").empty());
}

TEST_CASE("matched files: what was exchanged after the look is left alone", "[matched]") {
    Place place;
    std::filesystem::create_directories(place.folder / "tmp/sub");
    const Path file = place.folder / "tmp/sub/old";
    spill(file, "old");
    const MatchedFiles files = place.files("tmp/*/old");
    const MatchedFile seen = files.look(place.nobody)->at(0);
    const auto is_refused = [&] {
        const Result<Removed> removed = files.remove(seen, place.nobody, always);
        CHECK(!removed);
        CHECK(removed.error().kind == ErrorKind::busy);
        CHECK(!files.open(seen, O_RDWR));
        CHECK(place.precious_is_there());
    };
    SECTION("a file for a link") {
        std::filesystem::remove(file);
        std::filesystem::create_symlink(place.folder / "outside" / "precious", file);
        is_refused();
        CHECK(std::filesystem::is_symlink(file));
    }
    SECTION("a file for another file") {
        std::filesystem::rename(file, place.folder / "kept");
        spill(file, "new");
        is_refused();
        CHECK(slurp(file) == "new");
    }
    SECTION("a file for a hard link to another") {
        std::filesystem::remove(file);
        std::filesystem::create_hard_link(place.folder / "outside" / "precious", file);
        is_refused();
    }
    SECTION("its folder for a link to another") {
        spill(place.folder / "outside" / "old", "theirs");
        std::filesystem::rename(place.folder / "tmp/sub", place.folder / "tmp/away");
        std::filesystem::create_directory_symlink(place.folder / "outside", place.folder / "tmp/sub");
        is_refused();
        CHECK(slurp(place.folder / "outside" / "old") == "theirs");
    }
    SECTION("its folder for another folder") {
        std::filesystem::rename(place.folder / "tmp/sub", place.folder / "tmp/away");
        std::filesystem::create_directories(place.folder / "tmp/sub");
        spill(file, "new");
        is_refused();
        CHECK(slurp(file) == "new");
        CHECK(slurp(place.folder / "tmp/away/old") == "old");
    }
    SECTION("it was written to") {
        spill(file, "old, and more");
        const Result<Removed> removed = files.remove(seen, place.nobody, always);
        CHECK(removed.error().kind == ErrorKind::busy);
    }
}

TEST_CASE("matched files: a folder that is exchanged for a link all the time leads nothing outside",
          "[matched]") {
    Place place;
    const Path sub = place.folder / "tmp/sub";
    const Path away = place.folder / "tmp/away";
    std::filesystem::create_directories(sub);
    std::filesystem::create_directories(place.folder / "outside/build-1");
    for (const char* theirs : {"outside/old", "outside/build-1/old"}) {
        spill(place.folder.path() / theirs, "theirs");
    }
    std::atomic<bool> over = false;
    std::thread attacker([&] {
        while (!over) {
            ::rename(sub.c_str(), away.c_str());
            [[maybe_unused]] const int laid = ::symlink((place.folder / "outside").c_str(), sub.c_str());
            ::unlink(sub.c_str());
            ::rename(away.c_str(), sub.c_str());
        }
    });
    const MatchedFiles files = place.files("tmp/*/*");
    std::size_t removed = 0;
    for (int round = 0; round < 300; ++round) {
        for (const Path& folder : {sub, away}) { // wherever it is just now
            const int made = ::open((folder / fmt::format("old-{}", round)).c_str(),
                                    O_CREAT | O_WRONLY | O_NOFOLLOW, 0600);
            ::close(made);
        }
        const Result<std::vector<MatchedFile>> found = files.look(place.nobody);
        for (std::size_t i = 0; found && i < found->size(); ++i) {
            if (!(*found)[i].path.filename().string().starts_with("old-")) {
                UNSCOPED_INFO((*found)[i].path.string());
                CHECK(false); // it was met through the link
            }
            removed += files.remove((*found)[i], place.nobody, always) ? 1 : 0;
        }
    }
    over = true;
    attacker.join();
    CHECK(removed > 0);
    CHECK(place.precious_is_there());
    CHECK(slurp(place.folder / "outside/old") == "theirs");
    CHECK(slurp(place.folder / "outside/build-1/old") == "theirs");
}

TEST_CASE("matched files: a folder is as young as the youngest in it, and goes only as it was seen",
          "[matched]") {
    Place place;
    std::filesystem::create_directories(place.folder / "tmp/build-1/deep");
    spill(place.folder / "tmp/build-1/deep/a", std::string(10000, 'x'));
    const MatchedFiles files = place.files("tmp/build-*");
    const MatchedFile seen = files.look(place.nobody)->at(0);
    CHECK(seen.size == 10000_B);
    CHECK(seen.on_disk >= 10000_B);
    SECTION("unchanged") {
        const Result<Removed> removed = files.remove(seen, place.nobody, always);
        REQUIRE(removed);
        CHECK(removed->entries == 3);
        CHECK(place.names("tmp/*").empty());
    }
    SECTION("something came into it") {
        spill(place.folder / "tmp/build-1/deep/b", "new");
        CHECK(files.remove(seen, place.nobody, always).error().kind == ErrorKind::busy);
        CHECK(slurp(place.folder / "tmp/build-1/deep/b") == "new");
    }
    SECTION("somebody opened what is in it") {
        struct stat status {};
        REQUIRE(::stat((place.folder / "tmp/build-1/deep/a").c_str(), &status) == 0);
        const OpenFiles held({{{status.st_dev, status.st_ino}, {812, "nginx", false}}});
        CHECK(files.remove(seen, held, always).error().kind == ErrorKind::busy);
        CHECK(files.look(held)->at(0).in_use_by == "nginx (812)");
    }
    SECTION("what is neither file, folder nor link may be wanted") {
        REQUIRE(::mkfifo((place.folder / "tmp/build-1/deep/fifo").c_str(), 0600) == 0);
        CHECK(files.look(place.nobody)->empty());
    }
}

TEST_CASE("matched files: what is mounted below is another's", "[matched]") {
    Place place;
    std::filesystem::create_directories(place.folder / "tmp/build-1/data");
    const ScopedMount mount = ScopedMount::again(place.folder / "outside", place.folder / "tmp/build-1/data");
    if (!mount.mounted()) {
        WARN("no mount is allowed here");
        return;
    }
    CHECK(place.names("tmp/build-*").empty());
    CHECK(place.names("tmp/*/data/precious").empty());
    CHECK(place.names("tmp/*/data").empty());
    CHECK(place.precious_is_there());
}

TEST_CASE("matched files: another name of a file frees nothing", "[matched]") {
    Place place;
    std::filesystem::create_hard_link(place.folder / "outside" / "precious", place.folder / "tmp/again");
    const MatchedFiles files = place.files("tmp/again");
    const MatchedFile seen = files.look(place.nobody)->at(0);
    CHECK(seen.names == 2);
    CHECK(seen.on_disk == 0_B);
    CHECK(files.remove(seen, place.nobody, always)->freed == 0_B);
    CHECK(place.precious_is_there());
}

TEST_CASE("open files: whoever holds a file, in whatever way", "[matched]") {
    Place place;
    const Path file = place.folder / "tmp/held";
    spill(file, std::string(5000, 'x'));
    const auto holder_of = [&](const Path& path) {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        const Result<OpenFiles> open = OpenFiles::look();
        REQUIRE(open);
        const FileHolder* holder = open->holder(status.st_dev, status.st_ino);
        return holder == nullptr ? FileHolder{} : *holder;
    };
    CHECK(holder_of(file).pid == 0);
    SECTION("open for reading") {
        const Holder holder([&] { ::open(file.c_str(), O_RDONLY); });
        CHECK(holder_of(file).pid == holder.pid());
        CHECK(!holder_of(file).writes_anywhere);
    }
    SECTION("open for appending") {
        const Holder holder([&] { ::open(file.c_str(), O_WRONLY | O_APPEND); });
        CHECK(holder_of(file).pid == holder.pid());
        CHECK(!holder_of(file).writes_anywhere);
    }
    SECTION("open for writing anywhere") {
        const Holder holder([&] { ::open(file.c_str(), O_WRONLY); });
        CHECK(holder_of(file).writes_anywhere);
    }
    SECTION("mapped, and closed again") {
        const Holder holder([&] {
            const int fd = ::open(file.c_str(), O_RDONLY);
            ::mmap(nullptr, 5000, PROT_READ, MAP_PRIVATE, fd, 0);
            ::close(fd);
        });
        CHECK(holder_of(file).pid == holder.pid());
    }
    SECTION("as its working folder") {
        const Holder holder(
            [&] { [[maybe_unused]] const int done = ::chdir((place.folder / "tmp").c_str()); });
        CHECK(holder_of(place.folder / "tmp").pid == holder.pid());
    }
}

#include "made_up_site.h"
#include "platform/sqlite.h"
#include "snapshots/sqlite_restore.h"
#include "support/temp_folder.h"

#include <array>
#include <filesystem>
#include <memory>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lectio;
using namespace lectio::snapshots;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

// A database with a snapshot of it, and newer rows since, of which one stands in the log only.
struct Place {
    explicit Place(const std::string& journal = "WAL") {
        {
            Database database = open();
            REQUIRE(database.run("PRAGMA journal_mode = " + journal));
            REQUIRE(database.run("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1), (2)"));
        }
        Result<SqliteSnapshot> taken = take_sqlite(source, copy, files, clock, later());
        REQUIRE(taken);
        wish = {copy, *taken, source, folder / "aside"};
        Database database = open();
        REQUIRE(database.keep_log()); // it stays, as with a process that died
        REQUIRE(database.run("INSERT INTO t VALUES (3)"));
    }
    Database open() {
        Result<Database> database = Database::at(source, Database::Access::create, clock, later());
        REQUIRE(database);
        return std::move(*database);
    }
    [[nodiscard]] SteadyTime later() { return clock.steady() + 60s; }
    Result<Restored> restore() { return restore_sqlite(wish, fused_files, disk, clock, later()); }
    // Rows as whoever opens it next finds them; -1: no such database.
    std::int64_t rows(const Path& file) {
        Result<Database> database = Database::at(file, Database::Access::read_write, clock, later());
        return database ? database->number("SELECT count(*) FROM t").value_or(-1) : -1;
    }
    // As early as the place of the database is empty.
    void die_when_set_aside() {
        for (std::size_t length = 1; has("db.sqlite3"); ++length) {
            fuse = {.length = length, .burnt = 0};
            CHECK_THROWS_AS(restore(), Crash);
        }
        fuse = {};
    }
    [[nodiscard]] bool has(const std::string& name) const { return std::filesystem::exists(folder / name); }

    TempFolder folder;
    SystemClock clock;
    SystemFiles files;
    release::Fuse fuse;
    release::FusedFiles fused_files{fuse, folder.path()};
    release::FusedDisk disk{fuse};
    Path source = folder / "db.sqlite3";
    Path copy = folder / "copy.sqlite3";
    SqliteRestore wish;
};

} // namespace

TEST_CASE("a restored database is the snapshot and nothing of the log before it") {
    Place place(GENERATE("WAL", "DELETE"));
    std::filesystem::permissions(place.source, std::filesystem::perms(0640));
    const Result<Restored> done = place.restore();
    REQUIRE(done);
    CHECK_FALSE(done->was_done);
    CHECK(place.files.info(place.source, Files::Follow::no)->mode == 0640);
    CHECK_FALSE(place.has("db.sqlite3-wal"));
    CHECK(place.rows(place.source) == 2);
    // What stood there is whole: the rows of its log are in it.
    CHECK(done->aside.front() == place.folder / "aside" / "db.sqlite3");
    CHECK(place.rows(done->aside.front()) == 3);
    CHECK(place.open().run("INSERT INTO t VALUES (4)"));
}

TEST_CASE("the journal's mode is the source's again") {
    const std::string journal = GENERATE("wal", "delete");
    Place place(journal);
    REQUIRE(place.restore());
    Database database = place.open();
    Result<Statement> mode = database.prepare("PRAGMA journal_mode");
    REQUIRE(mode);
    REQUIRE(mode->step().value_or(false));
    CHECK(mode->text(0) == journal);
}

TEST_CASE("where no database stands, one is put there") {
    Place place;
    for (const char* ending : {"", "-wal", "-shm"}) {
        std::filesystem::remove(place.source.string() + ending);
    }
    REQUIRE(place.restore());
    CHECK(place.rows(place.source) == 2);
}

TEST_CASE("a database that a link leads to is replaced where it lies") {
    Place place;
    std::filesystem::create_directory(place.folder / "app");
    std::filesystem::create_symlink("../db.sqlite3", place.folder / "app" / "db.sqlite3");
    place.wish.database = place.folder / "app" / "db.sqlite3";
    place.die_when_set_aside(); // then the link leads nowhere
    REQUIRE(place.restore());
    CHECK(std::filesystem::is_symlink(place.wish.database));
    CHECK(place.rows(place.source) == 2);
}

TEST_CASE("who has the database open is named, and nothing is done") {
    Place place(GENERATE("WAL", "DELETE"));
    std::array<int, 2> ready{};
    std::array<int, 2> end{};
    REQUIRE(::pipe2(ready.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(end.data(), O_CLOEXEC) == 0);
    const pid_t other = ::fork();
    if (other == 0) {
        ::close(end[1]);
        char byte = ::open(place.source.c_str(), O_RDONLY | O_CLOEXEC) >= 0 ? 1 : 0;
        [[maybe_unused]] const ssize_t told = ::write(ready[1], &byte, 1);
        [[maybe_unused]] const ssize_t asked = ::read(end[0], &byte, 1); // until the test is over
        ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    REQUIRE(byte == 1);
    const Result<Restored> done = place.restore();
    for (const int fd : {ready[0], ready[1], end[0], end[1]}) {
        ::close(fd);
    }
    ::waitpid(other, nullptr, 0);
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::busy);
    CHECK_THAT(done.error().message,
               Contains("it is open in") && Contains("(" + std::to_string(other) + ")"));
    CHECK(place.rows(place.source) == 3);
    CHECK_FALSE(place.has("aside"));
}

TEST_CASE("a snapshot that is not what its manifest says replaces nothing") {
    Place place;
    std::string bytes = slurp(place.copy);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    spill(place.copy, bytes);
    const Result<Restored> done = place.restore();
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::invalid);
    CHECK(place.rows(place.source) == 3);
    CHECK_FALSE(place.has("aside"));
}

TEST_CASE("what was written since it was set aside is not thrown away") {
    Place place;
    place.die_when_set_aside();
    {
        Database database = place.open(); // an application that makes what it does not find
        REQUIRE(database.run("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (9)"));
    }
    const Result<Restored> done = place.restore();
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::busy);
    CHECK_THAT(done.error().message, Contains("since it was set aside"));
    CHECK(place.rows(place.source) == 1);
}

TEST_CASE("what was written after it was done is not replaced when it is asked for again") {
    Place place;
    REQUIRE(place.restore());
    REQUIRE(place.open().run("INSERT INTO t VALUES (4), (5)"));
    const Result<Restored> again = place.restore();
    REQUIRE(again);
    CHECK(again->was_done);
    CHECK(place.rows(place.source) == 4);
    CHECK(place.rows(place.folder / "aside" / "db.sqlite3") == 3);
}

TEST_CASE("what cannot take the place of the database leaves it there") {
    Place place(GENERATE("WAL", "DELETE"));
    place.disk.refuses_moves_of = ".lectio-restore-db.sqlite3";
    const Result<Restored> done = place.restore();
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::no_space);
    CHECK(place.rows(place.source) == 3);
    place.disk.refuses_moves_of.clear();
    REQUIRE(place.restore());
    CHECK(place.rows(place.source) == 2);
}

// At every step the database is the old one or the new one, whole, or is set aside whole; and the next call ends it.
TEST_CASE("a restore that dies at any step is ended by the same call, once or many times") {
    const std::string journal = GENERATE("WAL", "DELETE");
    std::size_t step = 1;
    for (;; ++step) {
        INFO("step " << step);
        REQUIRE(step < 100);
        Place place(journal);
        place.fuse.length = step;
        const bool stopped =
            stopped_by_crash([&] { [[maybe_unused]] const Result<Restored> done = place.restore(); });
        const bool stands = place.has("db.sqlite3");
        CHECK((stands || place.has("aside/db.sqlite3")));
        // Again, and it dies again at the same count of steps, until it gets through.
        int calls = 0;
        while (stopped_by_crash([&] {
            place.fuse.burnt = 0;
            place.fuse.length = step + 2 * static_cast<std::size_t>(calls);
            [[maybe_unused]] const Result<Restored> done = place.restore();
        })) {
            REQUIRE(++calls < 50);
        }
        CHECK(place.rows(place.source) == 2);
        CHECK(place.rows(place.folder / "aside" / "db.sqlite3") == 3);
        CHECK_FALSE(place.has(".lectio-restore-db.sqlite3"));
        if (!stopped) {
            break;
        }
    }
    CHECK(step > 8);
}

#include "checks/sqlite.h"
#include "platform/file_locks.h"
#include "platform/sqlite.h"
#include "support/bare_world.h"
#include "support/fake_host.h"
#include "support/temp_folder.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace lectio;
using namespace std::chrono_literals;
using Pages = SqliteSighting::Check;

namespace {

constexpr Thresholds warn_bytes(double count) {
    return {Amount{Amount::Unit::bytes, count}, {}};
}

SqliteSettings settings_for(const Path& path) {
    SqliteSettings settings;
    settings.path = path;
    settings.quick_check = true;
    return settings;
}

SqliteSample seen(const std::function<void(SqliteSighting&)>& change = {}) {
    SqliteSample sample;
    sample.file.sighting.mode = S_IFREG | 0640;
    sample.file.sighting.size = 8192;
    sample.sighting.size = 8192_B;
    sample.sighting.pages = 200;
    sample.sighting.unused = 4;
    sample.sighting.check = Pages::good;
    if (change) {
        change(sample.sighting);
    }
    return sample;
}

CheckResult judged(const SqliteSample& sample, SqliteSettings settings = settings_for("/srv/db.sqlite3")) {
    return evaluate_sqlite(sample, settings, {});
}

// A database with rows on many pages, by a clock that does not stand still.
struct Made {
    TempFolder folder;
    SystemClock clock;
    Path path = folder.path() / "db ?%.sqlite3";

    Database open() {
        return std::move(Database::at(path, Database::Access::create, clock, clock.steady() + 10s)).value();
    }
    explicit Made(const char* journal) {
        Database database = open();
        REQUIRE(database.run(fmt::format("PRAGMA journal_mode = {}", journal)).ok());
        REQUIRE(database
                    .run("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); CREATE INDEX i ON t (b);"
                         "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 2000)"
                         " INSERT INTO t SELECT x, hex(randomblob(100)) FROM n")
                    .ok());
    }
    // From the page on.
    void overwrite(std::int64_t page) {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(page * 4096);
        file << std::string(20'000, 'x');
    }
    void age() { // well before now: nobody writes there
        const struct timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
        REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    }
};

CheckResult look(const SqliteSettings& settings) {
    BareWorld bare;
    SystemClock clock;
    FakeHost host;
    host.mount_list = std::vector<Mount>{{"/dev/vda1", "/", "ext4", "rw"}};
    World world{clock, bare.files, host, bare.http, bare.processes, bare.services, bare.redis};
    const std::map<std::string, std::string> nothing;
    const CheckContext context{world, clock.now(), clock.steady() + 30s, nothing};
    const CheckType type = sqlite_check_type();
    const std::unique_ptr<lectio::Check> check = type.make(&settings);
    return dynamic_cast<const BlockingCheck&>(*check).run(context);
}

SqliteSighting probed(const Path& path, Clock& clock, Duration watch_lock = 0s) {
    return sqlite_probe({path, true, watch_lock, clock.steady() + 20s}, clock);
}

} // namespace

TEST_CASE("what a database is like, in words", "[sqlite]") {
    const CheckResult good = judged(seen());
    CHECK(good.status == Status::ok);
    CHECK(good.message.en == "8 KB, every page is whole");
    CHECK(good.message.ru == "8 KB, все страницы целы");

    const CheckResult idle = judged(seen([](SqliteSighting& it) {
        it.check = Pages::not_asked;
        it.log = 1_MB;
        it.idle = true;
    }));
    CHECK(idle.status == Status::ok);
    CHECK(idle.message.en.find("nobody has it open") != std::string::npos);

    const CheckResult damaged = judged(seen([](SqliteSighting& it) {
        it.check = Pages::damaged;
        it.damage = {"Tree 3 page 7: btreeInitPage() returns error code 11", "row 4 missing"};
    }));
    CHECK(damaged.status == Status::critical);
    CHECK(damaged.message.en == "the database is damaged");
    CHECK(damaged.evidence.find("row 4 missing") != std::string::npos);
    CHECK(damaged.hint.ru.find("/srv/db.sqlite3 .recover | sqlite3 recovered.sqlite3") != std::string::npos);

    CHECK(judged(seen([](SqliteSighting& it) { it.check = Pages::disturbed; })).status == Status::unknown);
    CHECK(judged(seen([](SqliteSighting& it) { it.check = Pages::unfinished; })).status == Status::unknown);
}

TEST_CASE("thresholds of a database", "[sqlite]") {
    SqliteSettings settings = settings_for("/srv/db.sqlite3");
    settings.size = warn_bytes(8192);
    CHECK(judged(seen(), settings).message.en == "it is 8 KB large");
    CHECK(judged(seen(), settings).status == Status::warning);

    const CheckResult log = judged(seen([](SqliteSighting& it) { it.log = 300_MB; }));
    CHECK(log.status == Status::warning); // the default
    CHECK(log.message.en == "its log is 300 MB large");

    settings = settings_for("/srv/db.sqlite3");
    settings.free_pages = {Amount{Amount::Unit::percent, 50}, {}};
    CHECK(judged(seen(), settings).status == Status::ok);
    const CheckResult unused = judged(seen([](SqliteSighting& it) { it.unused = 120; }), settings);
    CHECK(unused.status == Status::warning);
    CHECK(unused.message.ru == "60% страниц пустует");
}

TEST_CASE("who holds the lock is named", "[sqlite]") {
    SqliteSample sample = seen([](SqliteSighting& it) {
        it.locked = 5s;
        it.holder = 4321;
    });
    sample.holder = "python manage.py import";
    const CheckResult held = judged(sample);
    CHECK(held.status == Status::warning);
    CHECK(held.message.en == "locked for writing for at least 5 s by process 4321 (python manage.py import): "
                             "others get “database is locked”");
    sample.sighting.holder = -1;
    CHECK(judged(sample).message.ru.find("неизвестно кто") != std::string::npos);
}

TEST_CASE("what is no database is told as what it is", "[sqlite]") {
    const SqliteSettings settings = settings_for("/srv/db.sqlite3");
    const auto with = [&](int error, mode_t mode, std::uint64_t size) {
        SqliteSample sample = seen();
        sample.file.sighting.error = error;
        sample.file.sighting.mode = mode;
        sample.file.sighting.size = size;
        return evaluate_sqlite(sample, settings, {{"level-size", "warning"}});
    };
    CHECK(with(ENOENT, 0, 0).message.en == "/srv/db.sqlite3 is not there");
    CHECK(with(ENOENT, 0, 0).memory.contains("level-size"));
    CHECK(with(EACCES, 0, 0).status == Status::unknown);
    CHECK(with(EIO, 0, 0).status == Status::critical);
    CHECK(with(0, S_IFDIR | 0755, 4096).message.en == "/srv/db.sqlite3 is no file");
    CHECK(with(0, S_IFIFO | 0644, 0).status == Status::critical);
    CHECK(with(0, S_IFREG | 0644, 0).message.en.find("is empty") != std::string::npos);
    CHECK(judged(seen([](SqliteSighting& it) {
              it.unreadable = Error{ErrorKind::permission, "unable to open: Permission denied"};
          })).status == Status::unknown);
    CHECK(judged(seen([](SqliteSighting& it) {
              it.unreadable = Error{ErrorKind::invalid, "unable to use the database: file is not a database"};
          })).status == Status::critical);
}

TEST_CASE("a database on disk: whole, with and without a log", "[sqlite]") {
    for (const char* journal : {"DELETE", "WAL"}) {
        Made made(journal);
        const CheckResult result = look(settings_for(made.path));
        CHECK(result.message.en.find("every page is whole") != std::string::npos);
        CHECK(result.status == Status::ok);
        CHECK_FALSE(std::filesystem::exists(made.path.string() + "-shm")); // nothing is left behind
    }
    Made made("WAL");
    Database user = made.open();
    REQUIRE(user.run("INSERT INTO t VALUES (9999, 'x')").ok());
    const SqliteSighting open = probed(made.path, made.clock);
    CHECK(open.check == Pages::good);
    CHECK(open.log > 0_B);
    CHECK_FALSE(open.idle);
}

TEST_CASE("damage is found in a quiet database, with and without a log", "[sqlite]") {
    for (const char* journal : {"DELETE", "WAL"}) {
        Made made(journal);
        made.overwrite(5);
        made.age();
        const SqliteSighting seen = probed(made.path, made.clock);
        CHECK(seen.check == Pages::damaged);
        CHECK_FALSE(seen.damage.empty());
        CHECK(look(settings_for(made.path)).status == Status::critical);
        std::filesystem::resize_file(made.path, 3 * 4096);
        made.age();
        CHECK(look(settings_for(made.path)).status == Status::critical);
        made.overwrite(0);
        made.age();
        CHECK(look(settings_for(made.path)).message.en.find("no SQLite database") != std::string::npos);
    }
}

TEST_CASE("what looks damaged while somebody writes is not believed", "[sqlite]") {
    Made made("DELETE");
    made.overwrite(5);                                                         // just now
    const struct timespec times[2] = {{4'000'000'000, 0}, {4'000'000'000, 0}}; // and not settled for long
    REQUIRE(::utimensat(AT_FDCWD, made.path.c_str(), times, 0) == 0);
    const SqliteSighting seen = probed(made.path, made.clock);
    CHECK(seen.check == Pages::disturbed);
    CHECK(seen.damage.empty());
}

TEST_CASE("a log that a crash left behind is left to its owner", "[sqlite]") {
    Made made("WAL");
    const Path copy = made.folder.path() / "crashed.sqlite3";
    {
        Database user = made.open();
        REQUIRE(user.run("INSERT INTO t VALUES (9999, 'x')").ok());
        std::filesystem::copy_file(made.path, copy);
        std::filesystem::copy_file(made.path.string() + "-wal", copy.string() + "-wal");
    }
    const SqliteSighting seen = probed(copy, made.clock);
    CHECK(seen.idle);
    CHECK(seen.check == Pages::not_asked);
    CHECK_FALSE(std::filesystem::exists(copy.string() + "-shm"));
}

TEST_CASE("a lock that is held is watched until it is let go or the time is over", "[sqlite]") {
    for (const char* journal : {"DELETE", "WAL"}) {
        Made made(journal);
        CHECK_FALSE(probed(made.path, made.clock, 300ms).locked);
        Database user = made.open();
        REQUIRE(user.run("BEGIN IMMEDIATE").ok());
        const SqliteSighting held = probed(made.path, made.clock, 300ms);
        REQUIRE(held.locked);
        CHECK(*held.locked >= 300ms);
        CHECK(held.holder == ::getpid());
        REQUIRE(user.run("ROLLBACK").ok());
        CHECK_FALSE(probed(made.path, made.clock, 300ms).locked);
    }
}

TEST_CASE("the lines of /proc/locks", "[sqlite]") {
    const std::vector<FileLock> locks =
        parse_file_locks("1: FLOCK  ADVISORY  WRITE 13226 00:43:95 0 EOF\n"
                         "6: POSIX  ADVISORY  WRITE 19700 fe:00:11493494 120 120\n"
                         "6: -> POSIX  ADVISORY  READ 19701 fe:00:11493494 120 120\n"
                         "7: OFDLCK ADVISORY  READ  -1 fe:00:5 0 EOF\n"
                         "8: POSIX  ADVISORY  READ 1 zz:00:5 0 EOF\n9: POSIX ADVISORY\n\n");
    REQUIRE(locks.size() == 2);
    CHECK(locks[0].pid == 19700);
    CHECK(locks[0].writes);
    CHECK(locks[0].inode == 11493494);
    CHECK(locks[0].first == 120);
    CHECK(locks[1].pid == -1);
    CHECK_FALSE(locks[1].writes);
    CHECK(locks[1].last == std::numeric_limits<std::int64_t>::max());
}

namespace {

// Each look at the hour finds a file that was written to this moment, each at the time passed a millisecond later.
class WrittenToAllTheTime final : public Clock {
  public:
    explicit WrittenToAllTheTime(Path file) : m_file(std::move(file)) {}
    Now now() override {
        REQUIRE(::utimensat(AT_FDCWD, m_file.c_str(), nullptr, 0) == 0);
        return m_clock.now();
    }
    SteadyTime steady() override { return m_steady += 1ms; }
    void sleep_for(Duration duration) override { m_steady += duration; }

  private:
    Path m_file;
    SystemClock m_clock;
    SteadyTime m_steady{};
};

std::string count_to(int most) {
    return fmt::format("WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT {})"
                       " SELECT count(*) FROM n, (SELECT 1 FROM t LIMIT 1)",
                       most);
}

} // namespace

TEST_CASE("a query keeps the writers of a database without a log waiting for a moment at most", "[sqlite]") {
    const Made made("delete");
    WrittenToAllTheTime clock(made.path);

    const Result<std::string> brief = sqlite_value(made.path, count_to(10), clock, clock.steady() + 20s);
    REQUIRE(brief);
    CHECK(*brief == "10");

    // Below 20 seconds of that clock, over a fifth of one.
    const Result<std::string> longer =
        sqlite_value(made.path, count_to(300'000), clock, clock.steady() + 20s);
    REQUIRE_FALSE(longer);
    CHECK(longer.error().kind == ErrorKind::busy);
    CHECK(longer.error().message == "it is written to all the time, and the query would keep writers out");

    const Result<std::string> endless = sqlite_value(made.path, count_to(-1), clock, clock.steady() + 1s);
    REQUIRE_FALSE(endless);
    CHECK(endless.error().kind == ErrorKind::timeout);
    CHECK(endless.error().message == "the query did not end in time");
}

TEST_CASE("a journal that is kept between changes keeps nobody from looking", "[sqlite]") {
    Made made("persist");
    REQUIRE(made.open().run("PRAGMA journal_mode = PERSIST; INSERT INTO t VALUES (5000, 'x')").ok());
    REQUIRE(std::filesystem::file_size(made.path.string() + "-journal") > 0);
    made.overwrite(2);
    made.age();
    const struct timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (made.path.string() + "-journal").c_str(), times, 0) == 0);
    SystemClock clock;
    CHECK(probed(made.path, clock).check == Pages::damaged);
}

TEST_CASE("the journal of a writer that died is told as that, not as somebody who writes", "[sqlite]") {
    Made made("delete");
    {
        Database writer = made.open();
        REQUIRE(writer.run("PRAGMA cache_size = 5; BEGIN; UPDATE t SET b = b || 'y' WHERE a % 2 = 0").ok());
        CHECK_FALSE(probed(made.path, made.clock).abandoned); // this one lives
        // Closing a copied file gives up the locks of this process (fcntl(2)): last.
        for (const char* ending : {"", "-journal"}) { // as they lie there when it is killed
            std::filesystem::copy_file(made.path.string() + ending,
                                       made.folder / ("dead" + std::string(ending)));
        }
    }
    const SqliteSighting dead = probed(made.folder / "dead", made.clock);
    CHECK(dead.abandoned);
    CHECK(dead.check == Pages::not_asked);

    const CheckResult told = judged(seen([](SqliteSighting& it) { it.abandoned = true; }));
    CHECK(told.status == Status::unknown);
    CHECK(told.message.en.find("a writer that died") != std::string::npos);
}

#include "platform/sqlite.h"
#include "snapshots/sqlite_snapshot.h"
#include "support/temp_folder.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace lectio;
using namespace lectio::snapshots;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

struct Place {
    Database open(const Path& file, Database::Access access = Database::Access::create) {
        Result<Database> database = Database::at(file, access, clock, clock.steady() + 60s);
        REQUIRE(database);
        return std::move(*database);
    }
    // With tables as Django makes them, one with an awkward name, and keys that lead somewhere.
    void make(const std::string& journal = "WAL") {
        Database database = open(source);
        REQUIRE(database.run("PRAGMA journal_mode = " + journal));
        REQUIRE(database.run("CREATE TABLE lesson (id INTEGER PRIMARY KEY, title TEXT);"
                             "CREATE TABLE \"odd \"\"name\" (n INTEGER REFERENCES lesson (id));"
                             "CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT, name TEXT);"
                             "INSERT INTO django_migrations (app, name) VALUES ('school', '0001_initial'), "
                             "('school', '0002_x');"
                             "INSERT INTO lesson (title) VALUES ('a'), ('b'), ('c');"
                             "INSERT INTO \"odd \"\"name\" VALUES (1); PRAGMA user_version = 7"));
    }
    Result<SqliteSnapshot> take(Duration patience = 60s) {
        return take_sqlite(source, copy, files, clock, clock.steady() + patience);
    }
    Result<std::vector<Text>> flaws(const SqliteSnapshot& snapshot) {
        return flaws_of_sqlite(copy, snapshot, clock, clock.steady() + 60s);
    }
    [[nodiscard]] std::vector<std::string> names() { return files.list(folder.path()).value(); }

    TempFolder folder;
    SystemClock clock;
    SystemFiles files;
    Path source = folder / "db.sqlite3";
    Path copy = folder / "copy.sqlite3";
};

} // namespace

TEST_CASE(
    "a snapshot holds what is committed, also what stands in the log only, and nothing lies beside it") {
    Place place;
    place.make();
    Database writer = place.open(place.source); // holds the log open
    REQUIRE(writer.run("INSERT INTO lesson (title) VALUES ('in the log')"));
    REQUIRE(writer.run("BEGIN IMMEDIATE; INSERT INTO lesson (title) VALUES ('not committed')"));

    const Result<SqliteSnapshot> taken = place.take();
    REQUIRE(taken);
    CHECK(taken->facts.rows ==
          std::map<std::string, std::int64_t>{{"django_migrations", 2}, {"lesson", 4}, {"odd \"name", 1}});
    CHECK(taken->facts.schema.last_migration == "school.0002_x");
    CHECK(taken->facts.user_version == 7);
    CHECK(taken->facts.orphans == 0);
    CHECK(taken->log);
    CHECK(place.names() ==
          std::vector<std::string>{"copy.sqlite3", "db.sqlite3", "db.sqlite3-shm", "db.sqlite3-wal"});
    CHECK(place.files.info(place.copy, Files::Follow::no)->mode == 0600);
    CHECK(place.flaws(*taken)->empty());
    CHECK(place.names().size() == 4); // proving leaves nothing either
    REQUIRE(writer.run("COMMIT"));    // and the writer was never in the way, nor kept out
    CHECK(schema_of_sqlite(place.source, place.clock, place.clock.steady() + 60s)->hash ==
          taken->facts.schema.hash);
}

TEST_CASE("a database without a log is copied as it was before a writer that is at work") {
    Place place;
    place.make("DELETE");
    Database writer = place.open(place.source);
    REQUIRE(writer.run("BEGIN IMMEDIATE; INSERT INTO lesson (title) VALUES ('not committed')"));
    const Result<SqliteSnapshot> taken = place.take();
    REQUIRE(taken);
    CHECK(taken->facts.rows.at("lesson") == 3);
    CHECK_FALSE(taken->log);
    REQUIRE(writer.run("COMMIT"));
}

TEST_CASE("a database that is locked is waited for until the deadline, and no copy stays") {
    Place place;
    place.make("DELETE");
    Database writer = place.open(place.source);
    REQUIRE(writer.run("BEGIN EXCLUSIVE"));
    const Result<SqliteSnapshot> taken = place.take(50ms);
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::busy);
    CHECK(place.names() == std::vector<std::string>{"db.sqlite3"});
}

TEST_CASE("while somebody writes as fast as can be, each snapshot is one moment of it", "[stress]") {
    Place place;
    place.make(GENERATE("WAL", "DELETE"));
    {
        Database database = place.open(place.source);
        REQUIRE(database.run("CREATE TABLE one (n INTEGER); CREATE TABLE other (n INTEGER)"));
    }
    std::atomic<bool> done = false;
    std::atomic<int> written = 0;
    std::thread writer([&] {
        Database database = place.open(place.source);
        while (!done) {
            // Both tables have as many rows at every moment.
            if (database.run(
                    "BEGIN IMMEDIATE; INSERT INTO one VALUES (1); INSERT INTO other VALUES (1); COMMIT")) {
                ++written;
            }
        }
    });
    for (int i = 0; i < 20; ++i) {
        const int before = written;
        const Result<SqliteSnapshot> taken = place.take();
        CHECK(taken);
        if (taken) {
            CHECK(taken->facts.rows.at("one") == taken->facts.rows.at("other"));
            CHECK(taken->facts.rows.at("one") >= before);
            CHECK(place.flaws(*taken)->empty());
        }
        std::filesystem::remove(place.copy);
    }
    done = true;
    writer.join();
    CHECK(written > 0);
}

TEST_CASE("what is no database is refused in words, and none is made") {
    Place place;
    SECTION("nothing there") {
        const Result<SqliteSnapshot> taken = place.take();
        REQUIRE_FALSE(taken);
        CHECK(taken.error().kind == ErrorKind::not_found);
    }
    SECTION("an empty file") {
        spill(place.source, "");
        const Result<SqliteSnapshot> taken = place.take();
        REQUIRE_FALSE(taken);
        CHECK(taken.error().kind == ErrorKind::invalid);
        CHECK_THAT(taken.error().message, Contains("it is empty"));
    }
    SECTION("something else") {
        spill(place.source, std::string(5000, 'x'));
        const Result<SqliteSnapshot> taken = place.take();
        REQUIRE_FALSE(taken);
        CHECK_THAT(taken.error().message, Contains("it is no SQLite database"));
    }
    SECTION("a folder") {
        std::filesystem::create_directory(place.source);
        CHECK_FALSE(place.take());
    }
    CHECK_FALSE(std::filesystem::exists(place.copy));
}

TEST_CASE("a damaged source gives no snapshot") {
    Place place;
    place.make("DELETE");
    {
        Database database = place.open(place.source);
        REQUIRE(database.run("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 5000)"
                             " INSERT INTO lesson (title) SELECT 'lesson ' || n FROM c"));
    }
    std::string bytes = slurp(place.source);
    bytes.replace(bytes.size() / 2, 4096, std::string(4096, '\x5a'));
    spill(place.source, bytes);
    const Result<SqliteSnapshot> taken = place.take();
    REQUIRE_FALSE(taken);
    CHECK(taken.error().kind == ErrorKind::invalid);
    CHECK_FALSE(std::filesystem::exists(place.copy));
}

TEST_CASE("a copy is never written over anything") {
    Place place;
    place.make();
    spill(place.copy, "somebody's");
    CHECK_FALSE(place.take());
    CHECK(slurp(place.copy) == "somebody's");
}

TEST_CASE("rows whose key leads nowhere are the source's own, and no reason to have no snapshot") {
    Place place;
    place.make();
    {
        Database database = place.open(place.source);
        REQUIRE(database.run("INSERT INTO \"odd \"\"name\" VALUES (999)"));
    }
    const Result<SqliteSnapshot> taken = place.take();
    REQUIRE(taken);
    CHECK(taken->facts.orphans == 1);
    CHECK(place.flaws(*taken)->empty());
}

TEST_CASE("the proof finds what is not what was taken") {
    Place place;
    place.make();
    Result<SqliteSnapshot> taken = place.take();
    REQUIRE(taken);
    const auto first_flaw = [&] { return place.flaws(*taken)->front().en; };
    SECTION("a bit") {
        std::string bytes = slurp(place.copy);
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        spill(place.copy, bytes);
        CHECK_THAT(first_flaw(), Contains("its bytes have changed"));
    }
    SECTION("its end") {
        std::filesystem::resize_file(place.copy, taken->file.size.count - 1);
        CHECK_THAT(first_flaw(), Contains("bytes instead of"));
    }
    SECTION("rows: of another snapshot's manifest") {
        taken->facts.rows["lesson"] = 4;
        CHECK_THAT(first_flaw(), Contains("table lesson: 3 rows instead of 4"));
    }
    SECTION("a table") {
        taken->facts.rows["gone"] = 0;
        CHECK_THAT(first_flaw(), Contains("table gone is missing"));
    }
    SECTION("the schema") {
        taken->facts.schema.hash = std::string(64, '0');
        CHECK_THAT(first_flaw(), Contains("defined otherwise"));
    }
    SECTION("the version") {
        taken->facts.user_version = 8;
        CHECK_THAT(first_flaw(), Contains("its version"));
    }
    SECTION("it is damaged, and the manifest is of the damaged file") {
        std::string bytes = slurp(place.copy);
        bytes.replace(4096, 100, std::string(100, '\x5a'));
        spill(place.copy, bytes);
        taken->file = digest_of(place.copy, place.clock, place.clock.steady() + 60s).value();
        CHECK_THAT(first_flaw(), Contains("damaged"));
    }
    SECTION("nothing there is no flaw: it could not be looked at") {
        std::filesystem::remove(place.copy);
        CHECK_FALSE(place.flaws(*taken));
    }
}

TEST_CASE("a manifest is read back as it was written, and what is none is refused") {
    Place place;
    place.make();
    const Result<SqliteSnapshot> taken = place.take();
    REQUIRE(taken);
    const nlohmann::json json = json_of(*taken);
    CHECK(sqlite_snapshot_from(json).value() == *taken);
    for (const char* key : {"schema", "type", "taken", "sha256", "size"}) {
        nlohmann::json broken = json;
        broken.erase(key);
        CHECK_FALSE(sqlite_snapshot_from(broken));
    }
    nlohmann::json broken = json;
    broken["rows"]["lesson"] = "three";
    CHECK_FALSE(sqlite_snapshot_from(broken));
    CHECK_FALSE(sqlite_snapshot_from(nlohmann::json("x")));
}

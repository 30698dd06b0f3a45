#include "platform/sqlite.h"
#include "support/fake_clock.h"
#include "support/temp_folder.h"

#include <catch2/catch.hpp>

using namespace lectio;

namespace {

using Access = Database::Access;

struct Place {
    Result<Database> open(Access access = Access::create) {
        return Database::at(file, access, clock, clock.steady() + std::chrono::seconds(1));
    }
    // One table of numbers.
    Database begun() {
        Result<Database> database = open();
        REQUIRE(database);
        REQUIRE(database->run("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)"));
        return std::move(database).value();
    }

    TempFolder folder;
    FakeClock clock;
    Path file = folder / "a.sqlite";
};

std::int64_t rows(Database& database) {
    const Result<std::int64_t> count = database.number("SELECT count(*) FROM t");
    REQUIRE(count);
    return *count;
}

} // namespace

TEST_CASE("what is bound comes back as it was: numbers, text of any language, bytes with zeros") {
    Place place;
    Result<Database> database = place.open();
    REQUIRE(database);
    REQUIRE(database->run("CREATE TABLE v (n INTEGER, t TEXT, b BLOB)"));
    const std::string bytes("\0\1\0", 3);
    Result<Statement> insert = database->prepare("INSERT INTO v VALUES (?, ?, ?)");
    REQUIRE(insert);
    REQUIRE(insert->bind(1, -1).bind(2, "диск; DROP TABLE v").bind_bytes(3, bytes).run());
    REQUIRE(insert->bind(1, INT64_MAX).bind(2, std::string_view()).bind_bytes(3, {}).run());

    Result<Statement> look = database->prepare("SELECT n, t, b FROM v ORDER BY rowid");
    REQUIRE(look);
    REQUIRE(look->step().value_or(false));
    CHECK(look->number(0) == -1);
    CHECK(look->text(1) == "диск; DROP TABLE v");
    CHECK(look->bytes(2) == bytes);
    REQUIRE(look->step().value_or(false));
    CHECK(look->number(0) == INT64_MAX);
    CHECK(look->text(1).empty());
    CHECK_FALSE(look->step().value_or(true));
}

TEST_CASE("a parameter that is not there is an error of the next step") {
    Place place;
    Database database = place.begun();
    Result<Statement> insert = database.prepare("INSERT INTO t VALUES (?)");
    REQUIRE(insert);
    const Result<void> run = insert->bind(1, 1).bind(2, 2).run();
    REQUIRE_FALSE(run);
    CHECK(run.error().kind == ErrorKind::internal);
}

TEST_CASE("a transaction without commit never was") {
    Place place;
    Database database = place.begun();
    {
        Result<Transaction> transaction = Transaction::begin(database);
        REQUIRE(transaction);
        REQUIRE(database.run("INSERT INTO t VALUES (1)"));
    }
    CHECK(rows(database) == 0);
    Result<Transaction> transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.run("INSERT INTO t VALUES (1)"));
    REQUIRE(transaction->commit());
    CHECK(rows(database) == 1);
}

TEST_CASE("a lock that another holds is waited for until the deadline, and not beyond") {
    Place place;
    Database holder = place.begun();
    Result<Transaction> held = Transaction::begin(holder);
    REQUIRE(held);
    Result<Database> database = place.open(Access::read_write);
    REQUIRE(database);
    const Result<Transaction> begun = Transaction::begin(*database);
    REQUIRE_FALSE(begun);
    CHECK(begun.error().kind == ErrorKind::busy);
    CHECK(place.clock.slept() >= std::chrono::milliseconds(900));
    CHECK(place.clock.slept() <= std::chrono::milliseconds(1100));
    CHECK(rows(*database) == 0); // who only reads waits for nobody
}

TEST_CASE("work of our own that passes the deadline is ended") {
    Place place;
    Database database = place.begun();
    place.clock.advance(std::chrono::seconds(2));
    const Result<std::int64_t> endless = database.number(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c");
    REQUIRE_FALSE(endless);
    CHECK(endless.error().kind == ErrorKind::timeout);
}

TEST_CASE("what is wrong with a file is told apart") {
    Place place;
    const auto kind_of_reading = [&](Access access) {
        Result<Database> database = place.open(access);
        const Result<std::int64_t> number =
            database ? database->number("SELECT count(*) FROM t") : Result<std::int64_t>(database.error());
        REQUIRE_FALSE(number);
        UNSCOPED_INFO(number.error().message);
        return number.error().kind;
    };
    SECTION("absent") {
        CHECK(kind_of_reading(Access::read_write) == ErrorKind::not_found);
        CHECK_FALSE(std::filesystem::exists(place.file));
    }
    SECTION("garbage") {
        spill(place.file, std::string(5000, 'x'));
        CHECK(kind_of_reading(Access::read_write) == ErrorKind::invalid);
    }
    SECTION("cut") {
        { const Database database = place.begun(); }
        std::filesystem::resize_file(place.file, 4096); // of two pages one
        CHECK(kind_of_reading(Access::read_write) == ErrorKind::invalid);
    }
    SECTION("a folder") {
        std::filesystem::create_directory(place.file);
        CHECK(kind_of_reading(Access::read_write) == ErrorKind::io);
    }
    SECTION("no such table") {
        { const Result<Database> database = place.open(); }
        CHECK(kind_of_reading(Access::create) == ErrorKind::internal);
    }
    SECTION("opened for reading only") {
        { const Database database = place.begun(); }
        Result<Database> database = place.open(Access::read_only);
        REQUIRE(database);
        CHECK(database->run("INSERT INTO t VALUES (1)").error().kind == ErrorKind::permission);
    }
}

TEST_CASE("a full disk is said to be one, and what was there stays") {
    Place place;
    Database database = place.begun();
    REQUIRE(database.run("INSERT INTO t VALUES (1)"));
    REQUIRE(database.number("PRAGMA max_page_count = 2"));
    Result<Transaction> transaction = Transaction::begin(database);
    REQUIRE(transaction);
    const Result<void> filled = database.run("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
                                             "LIMIT 5000) INSERT INTO t SELECT n FROM c");
    REQUIRE_FALSE(filled);
    CHECK(filled.error().kind == ErrorKind::no_space);
    { const Transaction undone = std::move(transaction).value(); }
    CHECK(rows(database) == 1);
}

TEST_CASE("with keep_log the log outlives the connection, and the next one reads it") {
    Place place;
    {
        Database database = place.begun();
        REQUIRE(database.keep_log());
        REQUIRE(database.run("INSERT INTO t VALUES (1)"));
    }
    CHECK(std::filesystem::file_size(place.file.string() + "-wal") > 0);
    Result<Database> database = place.open(Access::read_only);
    REQUIRE(database);
    CHECK(rows(*database) == 1);
}

TEST_CASE("empty_log makes the log empty; it does not wait for whoever still reads") {
    Place place;
    Database database = place.begun();
    REQUIRE(database.keep_log());
    REQUIRE(database.run("INSERT INTO t VALUES (1)"));
    {
        Result<Database> reader = place.open(Access::read_only);
        REQUIRE(reader);
        REQUIRE(reader->run("BEGIN"));
        CHECK(rows(*reader) == 1);
        REQUIRE(database.run("INSERT INTO t VALUES (2)"));
        CHECK(database.empty_log().error().kind == ErrorKind::busy);
        CHECK(place.clock.slept() == Duration{0});
        CHECK(rows(*reader) == 1);
    }
    REQUIRE(database.empty_log());
    CHECK(std::filesystem::file_size(place.file.string() + "-wal") == 0);
    CHECK(rows(database) == 2);
}

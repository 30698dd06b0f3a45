#include "backup/archive.h"
#include "made_up_site.h"
#include "platform/sqlite.h"
#include "support/bare_world.h"
#include "support/temp_folder.h"

#include <filesystem>
#include <limits>
#include <set>

#include <catch2/catch.hpp>

using namespace lectio;
using namespace lectio::backup;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const snapshots::SqliteSnapshot& database_in(const Backup& backup) {
    return std::get<snapshots::SqliteSnapshot>(backup.snapshot);
}

std::set<std::string> names_in(const Path& folder) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        names.insert(entry.path().filename());
    }
    return names;
}

// A database whose rows are counted, and an archive of it; every call is a process of its own.
struct Place {
    Place() {
        settings.dir = folder / "backups";
        settings.min_free = 1_kB;
        source.name = "database";
        source.type = "sqlite";
        source.sqlite.path = folder / "db.sqlite3";
        settings.sources = {source};
        run("CREATE TABLE t (n INTEGER, text TEXT)");
        add(100);
    }
    [[nodiscard]] SteadyTime later() { return bare.clock.steady() + 10min; }
    void run(const std::string& sql) {
        Result<Database> database =
            Database::at(source.sqlite.path, Database::Access::create, bare.clock, later());
        REQUIRE(database);
        REQUIRE(database->run(sql));
    }
    void add(int rows) {
        run("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT " + std::to_string(rows) +
            ") INSERT INTO t SELECT n, hex(randomblob(200)) FROM c");
    }
    Archive archive() { return {settings, world, disk, Lang::en}; }
    // As a night does it.
    Result<Backup> make_and_prove() {
        Archive one = archive();
        LECTIO_TRY(one.tidy());
        const Result<Backup> made = one.make(source, later());
        LECTIO_TRY(made);
        return one.prove(*made, source.sqlite.latest, Effort::cheap, later());
    }
    std::vector<Backup> backups() { return archive().contents().value().backups; }
    std::vector<std::string> names() { return bare.files.list(settings.dir).value(); }

    TempFolder folder;
    BareWorld bare;
    release::Fuse fuse;
    release::FusedFiles files{fuse, folder.path()};
    release::FusedDisk disk{fuse};
    World world{bare.clock, files, bare.host, bare.http, bare.processes, bare.services, bare.redis};
    BackupSettings settings;
    BackupSource source;
};

} // namespace

TEST_CASE("a copy that is damaged is no backup, though it was packed meanwhile, and nothing of it stays") {
    Place place;
    REQUIRE(place.make_and_prove());
    const std::vector<std::string> before = place.names();
    // An index that does not say what its table says: no page is broken, only integrity_check sees it.
    place.run("CREATE INDEX by_text ON t (text); INSERT INTO t VALUES (1, 'needle-a')");
    std::string bytes = slurp(place.source.sqlite.path);
    bytes[bytes.find("needle-a") + 7] = 'b';
    REQUIRE(bytes.find("needle-a") != std::string::npos);
    spill(place.source.sqlite.path, bytes);
    const Result<Backup> made = place.make_and_prove();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::invalid);
    CHECK_THAT(made.error().message, Contains("damaged"));
    CHECK(place.names() == before);
}

TEST_CASE("a backup is a file and its manifest, for us alone, and gives back what was in the database") {
    Place place;
    place.source.sqlite.latest = place.folder / "db_latest.sqlite3";
    const Result<Backup> made = place.make_and_prove();
    REQUIRE(made);
    CHECK(made->state == State::verified);
    CHECK(made->verified.has_value());
    CHECK(database_in(*made).facts.rows.at("t") == 100);
    CHECK(place.names() == std::vector<std::string>{made->manifest_name(), made->file_name(), "trash"});
    CHECK_THAT(made->file_name(), Catch::Matches("database-20260122T100000Z-[a-z2-7]{6}[.]sqlite3[.]zst"));
    CHECK(place.bare.files.info(place.settings.dir, Files::Follow::no)->mode == 0700);
    CHECK(place.backups() == std::vector{*made}); // the manifest is read back as it was

    const Path out = place.folder / "out.sqlite3";
    REQUIRE(place.archive().unpack(*made, out, place.later()));
    CHECK(digest_of(out, place.bare.clock, place.later()).value() == plain_file(made->snapshot));
    CHECK(slurp(out) == slurp(place.source.sqlite.latest));
    CHECK_FALSE(place.archive().unpack(*made, out, place.later())); // never over anything
}

TEST_CASE("a `latest` that cannot be replaced takes nothing from the backup, and says why") {
    Place place;
    place.source.sqlite.latest = place.folder / "nowhere/db_latest.sqlite3";
    const Result<Backup> made = place.make_and_prove();
    REQUIRE(made);
    CHECK(made->state == State::verified);
    CHECK_THAT(made->no_latest, Contains("nowhere"));
    CHECK(place.backups().front().no_latest.empty()); // it is of that call

    std::filesystem::create_directories(place.source.sqlite.latest); // a folder in its place
    place.bare.clock.advance(25h);
    const Result<Backup> again = place.make_and_prove();
    REQUIRE(again);
    CHECK_FALSE(again->no_latest.empty());
    CHECK(place.bare.files.list(place.folder / "nowhere").value() ==
          std::vector<std::string>{"db_latest.sqlite3"}); // and nothing beside it
}

TEST_CASE("a `latest` that is the database itself, or lies where its log does, replaces nothing") {
    Place place;
    std::filesystem::create_directory_symlink(place.folder.path(), place.folder / "alias");
    std::filesystem::create_symlink(place.source.sqlite.path, place.folder / "link.sqlite3");
    const std::string named =
        GENERATE(as<std::string>{}, "db.sqlite3", "alias/db.sqlite3", "backups/../db.sqlite3",
                 "db.sqlite3-wal", "alias/db.sqlite3-journal", "link.sqlite3", "link.sqlite3-shm");
    const bool by_link = named.starts_with("link");
    place.source.sqlite.path = place.folder / (by_link ? "link.sqlite3" : "db.sqlite3");
    place.settings.sources = {place.source};
    place.source.sqlite.latest = place.folder / named;
    const std::set<std::string> before = names_in(place.folder.path());
    const std::string rows = slurp(place.folder / "db.sqlite3");
    const Result<Backup> made = place.make_and_prove();
    REQUIRE(made);
    CHECK(made->state == State::verified);
    CHECK_THAT(made->no_latest, Contains("it is a database that is backed up, or its log"));
    place.add(1); // who has it open writes into the same file as before
    CHECK(slurp(place.folder / "db.sqlite3") != rows);
    CHECK(std::filesystem::is_symlink(place.folder / "link.sqlite3"));
    std::set<std::string> after = names_in(place.folder.path());
    after.erase("backups");
    CHECK(after == before);
}

TEST_CASE("what others have in the folder of the backups stays, whatever it is called") {
    Place place;
    REQUIRE(place.make_and_prove());
    std::filesystem::create_directory(place.settings.dir / ".tmp-build.json-1");
    spill(place.settings.dir / ".tmp-upload", "somebody's");
    const std::string unfinished = ".tmp-" + place.backups().front().manifest_name() + "-4711-0";
    spill(place.settings.dir / unfinished, "{");
    REQUIRE(place.archive().tidy());
    CHECK(std::filesystem::is_directory(place.settings.dir / ".tmp-build.json-1"));
    CHECK(slurp(place.settings.dir / ".tmp-upload") == "somebody's");
    CHECK_FALSE(std::filesystem::exists(place.settings.dir / unfinished));
}

TEST_CASE("a clock that ran ahead hides no backup that was made when it was right again") {
    Place place;
    place.bare.clock.jump_wall(30 * 24h);
    const Result<Backup> ahead = place.make_and_prove();
    REQUIRE(ahead);
    place.bare.clock.jump_wall(-30 * 24h);
    place.bare.clock.advance(1h);
    CHECK(place.archive().contents()->newest("database")->id == ahead->id); // better than none
    const Result<Backup> right = place.make_and_prove();
    REQUIRE(right);
    for (const Backup* one : {&*ahead, &*right}) {
        Backup away = *one;
        away.away = place.bare.clock.now().wall;
        REQUIRE(place.archive().save(away));
    }
    const Archive::Contents there = place.archive().contents().value();
    CHECK(there.newest("database")->id == right->id);
    CHECK(there.newest_away("database")->id == right->id);
    CHECK(there.last("database")->id == right->id);
    REQUIRE(there.to_come("database").size() == 1);
    CHECK(there.to_come("database").front().id == ahead->id);
    CHECK_FALSE(there.newest("database", right->time - 1s)); // a moment that somebody names is that moment
    CHECK(there.newest("database", ahead->time)->id == ahead->id);
    CHECK_FALSE(place.archive().prune(place.source, place.later(), Archive::Effect::none)->frozen.empty());
    place.bare.clock.advance(40 * 24h); // its date is over
    CHECK(place.archive().contents()->newest("database")->id == ahead->id);
    CHECK(place.archive().contents()->to_come("database").empty());
}

TEST_CASE("what a manifest that cannot be read says by its name and its file is compared with all the same") {
    Place place;
    const Result<Backup> small = place.make_and_prove();
    REQUIRE(small);
    place.add(2000);
    place.bare.clock.advance(1h);
    const Result<Backup> large = place.make_and_prove();
    REQUIRE(large);
    const Path manifest = place.settings.dir / large->manifest_name();
    SECTION("it is torn") {
        spill(manifest, slurp(manifest).substr(0, 100));
    }
    SECTION("those of all before are") {
        spill(manifest, "");
        spill(place.settings.dir / small->manifest_name(), "{}");
    }
    place.run("DELETE FROM t WHERE rowid > 100; VACUUM");
    place.bare.clock.advance(1h);
    const Result<Backup> made = place.make_and_prove();
    REQUIRE(made);
    CHECK(made->state == State::suspect);
    CHECK_THAT(made->reason, Contains(format_size(large->packed.size)));
    // What belongs to another source, or is named like nothing of ours, is no measure.
    for (const char* name : {"database-old-20260122T103000Z-abcdef", "database-20260122T103000Z-abcde1",
                             "database-20261322T103000Z-abcdef", "database"}) {
        CHECK_FALSE(time_in_stem(name, "database"));
    }
    CHECK(time_in_stem(large->stem(), "database") == large->time);
}

TEST_CASE("of two backups within a second the later one is the newest") {
    Place place;
    for (int round = 0; round < 8; ++round) {
        const Result<Backup> first = place.make_and_prove();
        const Result<Backup> second = place.make_and_prove();
        REQUIRE(first);
        REQUIRE(second);
        CHECK(first->time < second->time);
        CHECK(place.archive().contents().value().newest("database")->id == second->id);
    }
}

TEST_CASE("a backup that changed on the disk does not pass its proof") {
    Place place;
    const Result<Backup> made = place.make_and_prove();
    REQUIRE(made);
    const Path file = place.settings.dir / made->file_name();
    std::string bytes = slurp(file);
    SECTION("a bit") {
        bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
        spill(file, bytes);
    }
    SECTION("its end") {
        spill(file, bytes.substr(0, bytes.size() - 1));
    }
    SECTION("a frame that holds more than it should, with a manifest that says so") {
        std::filesystem::remove(file);
        Backup other = *made;
        other.packed = FileDigest{};
        std::get<snapshots::SqliteSnapshot>(other.snapshot).file.size.count -= 1;
        spill(file, bytes);
        other.packed = digest_of(file, place.bare.clock, place.later()).value();
        REQUIRE(place.archive().save(other));
    }
    const Result<Backup> again =
        place.archive().prove(place.backups().front(), {}, Effort::full, place.later());
    REQUIRE(again);
    CHECK(again->state == State::bad);
    CHECK_FALSE(again->reason.empty());
    CHECK(place.archive().contents()->newest("database") == nullptr);
    CHECK(place.names().size() == 3); // nothing of the scratch copy stays
}

TEST_CASE(
    "a backup much smaller than the one before counts as none, and the one before is compared with again") {
    Place place;
    REQUIRE(place.make_and_prove());
    place.bare.clock.advance(24h);
    place.run("DELETE FROM t WHERE n > 10; VACUUM");
    for (int night = 0; night < 2; ++night) {
        const Result<Backup> small = place.make_and_prove();
        REQUIRE(small);
        CHECK(small->state == State::suspect);
        CHECK_THAT(small->reason, Contains("instead of"));
        CHECK(small->verified.has_value());
        place.bare.clock.advance(24h);
    }
    CHECK(database_in(*place.archive().contents()->newest("database")).facts.rows.at("t") == 100);
}

TEST_CASE("a backup never fills the disk") {
    Place place;
    place.settings.min_free = Bytes{std::uint64_t{1} << 60U};
    const Result<Backup> made = place.make_and_prove();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::no_space);
    CHECK(place.backups().empty());
}

TEST_CASE(
    "what is pruned lies in the trash for three days; a manifest that cannot be read keeps everything") {
    Place place;
    place.settings.keep = {1, 0, 0, 0, 0, 0};
    for (int night = 0; night < 6; ++night) {
        REQUIRE(place.make_and_prove());
        place.bare.clock.advance(24h);
    }
    Archive archive = place.archive();
    spill(place.settings.dir / "database-20260101T000000Z-aaaaaa.json", "{");
    CHECK_THAT(archive.prune(place.source, place.later(), Archive::Effect::real)->frozen.en,
               Contains("cannot be read"));
    std::filesystem::remove(place.settings.dir / "database-20260101T000000Z-aaaaaa.json");

    const std::string oldest = place.backups().front().id;
    CHECK(archive.prune(place.source, place.later(), Archive::Effect::none)->ids.front() == oldest);
    CHECK(place.backups().size() == 6);
    const auto pruned = archive.prune(place.source, place.later(), Archive::Effect::real);
    REQUIRE(pruned);
    CHECK(pruned->ids.size() == 2);
    CHECK(pruned->later == 1);
    CHECK(place.backups().size() == 4);
    CHECK(archive.empty_trash()->empty());
    place.bare.clock.advance(72h);
    CHECK(archive.empty_trash()->size() == 2);
    CHECK(place.bare.files.list(place.settings.dir / "trash")->empty());
}

TEST_CASE("the trash is not emptied while fewer than three proven backups are left") {
    Place place;
    place.settings.keep = {1, 0, 0, 0, 0, 0};
    for (int night = 0; night < 6; ++night) {
        REQUIRE(place.make_and_prove());
        place.bare.clock.advance(24h);
    }
    Archive archive = place.archive();
    REQUIRE(archive.prune(place.source, place.later(), Archive::Effect::real)->ids.size() == 2);
    for (int i = 0; i < 2; ++i) { // the disk, or a person
        std::filesystem::remove(place.settings.dir / place.backups().back().file_name());
    }
    place.bare.clock.advance(72h);
    CHECK(archive.empty_trash()->empty());
    REQUIRE(place.make_and_prove());
    CHECK(archive.empty_trash()->size() == 2);
}

TEST_CASE("nothing is pruned when the newest does not pass its proof any more") {
    Place place;
    place.settings.keep = {1, 0, 0, 0, 0, 0};
    for (int night = 0; night < 6; ++night) {
        REQUIRE(place.make_and_prove());
        place.bare.clock.advance(24h);
    }
    const Path file = place.settings.dir / place.backups().back().file_name();
    spill(file, "x" + slurp(file));
    const auto pruned = place.archive().prune(place.source, place.later(), Archive::Effect::real);
    REQUIRE(pruned);
    CHECK_THAT(pruned->frozen.en, Contains("does not pass its proof"));
    CHECK(place.backups().size() == 6);
    CHECK(place.backups().back().state == State::bad);
}

TEST_CASE("without a proof nothing is ever pruned") {
    Place place;
    place.settings.verify = false;
    CHECK_THAT(place.archive().prune(place.source, place.later(), Archive::Effect::real)->frozen.en,
               Contains("`verify` is off"));
}

// A night, pruning included, that dies at any of its steps: the newest that was proven before it restores at every
// moment, and the next night is whole.
TEST_CASE("a night that dies at any step loses nothing, and the next one tidies up") {
    std::size_t step = 1;
    for (bool stopped = true; stopped; ++step) {
        INFO("step " << step);
        REQUIRE(step < 200);
        Place place;
        place.settings.keep = {1, 0, 0, 0, 0, 0};
        place.source.sqlite.latest = place.folder / "latest.sqlite3";
        for (int night = 0; night < 4; ++night) {
            REQUIRE(place.make_and_prove());
            place.bare.clock.advance(25h);
        }
        const auto night = [&] {
            const Result<Backup> made = place.make_and_prove();
            Archive archive = place.archive();
            const auto pruned = archive.prune(place.source, place.later(), Archive::Effect::real);
            place.bare.clock.advance(73h);
            const auto gone = archive.empty_trash();
            return made.ok() && pruned.ok() && gone.ok();
        };
        place.fuse.burnt = 0;
        place.fuse.length = step;
        bool good = false;
        stopped = stopped_by_crash([&] { good = night(); });
        CHECK(good != stopped);
        place.fuse.length = std::numeric_limits<std::size_t>::max();

        const Archive::Contents there = place.archive().contents().value();
        CHECK(there.unreadable.empty());
        const Backup* newest = there.newest("database");
        REQUIRE(newest != nullptr);
        const Path out = place.folder / "out.sqlite3";
        CHECK(place.archive().unpack(*newest, out, place.later()));
        CHECK(std::filesystem::exists(place.source.sqlite.latest));

        place.bare.clock.advance(1h);
        CHECK(night());
        const Archive::Contents after = place.archive().contents().value();
        CHECK(after.missing.empty());
        for (const std::string& name : place.names()) {
            CHECK_THAT(name, !Catch::StartsWith("."));
        }
        for (const Backup& backup : after.backups) {
            CHECK(std::filesystem::exists(place.settings.dir / backup.file_name()));
        }
    }
    CHECK(step > 20);
}

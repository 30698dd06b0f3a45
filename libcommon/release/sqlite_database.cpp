#include "platform/durable_file.h"
#include "platform/sqlite.h"
#include "release/site_database.h"
#include "snapshots/sqlite_restore.h"
#include "snapshots/sqlite_snapshot.h"
#include "util/json_depth.h"
#include "util/text.h"
#include "words/error_words.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::release {
namespace {

constexpr std::string_view k_snapshot = "before.sqlite3", k_snapshot_facts = "before.sqlite3.json";
constexpr std::string_view k_replaced = "replaced.sqlite3"; // what a snapshot has taken the place of
constexpr std::string_view k_left = "left.sqlite3";         // what a rollback has gone back from
// A table of SQLite may be written anew to get a column; the code that is served waits meanwhile (measured: M14).
constexpr Bytes k_quickly_migrated = 20_MB;
constexpr Bytes k_most_facts = 1_MB;
constexpr mode_t k_for_us = 0600;

constexpr Phrase k_other_database{"Django works on {} {}, and deploy.backend.database names {}",
                                  "Django работает с базой {} {}, а в deploy.backend.database указана {}"};
constexpr Phrase k_other_database_hint{"name there the one that Django has", "укажите там ту, что у Django"};
constexpr Phrase k_database_is_link{"{} is a link to the database", "{} — ссылка на базу"};
constexpr Phrase k_database_is_link_hint{"name in deploy.backend.database where it lies",
                                         "укажите в deploy.backend.database, где лежит она сама"};
constexpr Phrase k_no_room_to_undo{"{} are free at {}: {} may be needed to put the database back",
                                   "свободно {} ({}): чтобы вернуть базу, может понадобиться {}"};
constexpr Phrase k_no_room_to_undo_hint{"free some space first: lectio-cleanup, lectio-deploy cleanup",
                                        "сначала освободите место: lectio-cleanup, lectio-deploy cleanup"};

Path aside_of(const std::string& id, const std::string& place) {
    return Path(place).parent_path() / (".lectio-aside-" + id);
}

// Of a rollback, until it is done.
Path left_of(const std::string& id, const std::string& place) {
    return Path(place).parent_path() / (".lectio-left-" + id);
}

class SqliteDatabase final : public SiteDatabase {
  public:
    SqliteDatabase(Path path, World& world, ReleaseDisk& disk)
        : m_path(std::move(path)), m_world(world), m_disk(disk) {}

    // The one that is copied has to be the one that is changed. Django may reach it by a link in a folder of the site's own
    // user (a database that is shared lies below its code): nothing is opened by that link, so nobody is led astray.
    Step is_of(const WaitingMigrations& waiting, const Path& tree) override {
        const Result<FileInfo> ours = m_world.files.info(m_path, Files::Follow::yes);
        const Result<FileInfo> theirs = // an absolute one stays as it is
            m_world.files.info(tree / waiting.database, Files::Follow::yes);
        if (waiting.engine == "sqlite" && ours && theirs && ours->device == theirs->device &&
            ours->inode == theirs->inode) {
            return {};
        }
        return Refusal{
            say(k_other_database, clean_line(waiting.engine), clean_line(waiting.database), m_path.string()),
            say(k_other_database_hint)};
    }

    Result<Bytes> size(SteadyTime) override {
        const Result<FileInfo> info = m_world.files.info(m_path, Files::Follow::yes);
        LECTIO_TRY(info);
        return Bytes{info->size};
    }

    Step could_be_copied(Bytes size, const Path& snapshots, Bytes spare) override {
        return has_room(snapshots, {size.count + spare.count});
    }

    // The snapshot, what is prepared from it beside the database, and what it takes the place of.
    Step could_be_put_back(Bytes size, const Path& snapshots, Bytes spare, SteadyTime) override {
        const Result<FileInfo> file = m_world.files.info(m_path, Files::Follow::no);
        if (!file || file->type != FileInfo::Type::regular) { // what takes its place lies beside it
            return Refusal{say(k_database_is_link, m_path.string()), say(k_database_is_link_hint)};
        }
        const Bytes wanted{2 * size.count + spare.count};
        for (const Path& place : {m_path.parent_path(), snapshots}) {
            if (Step no = has_room(place, wanted)) {
                return no;
            }
        }
        return {};
    }

    [[nodiscard]] std::optional<Bytes> quickly_migrated() const override { return k_quickly_migrated; }

    Result<std::string> schema(SteadyTime until) override {
        Result<snapshots::SqliteSchema> schema = snapshots::schema_of_sqlite(m_path, m_world.clock, until);
        LECTIO_TRY(schema);
        return std::move(schema->hash);
    }

    Result<std::string> place() override {
        const Result<Path> real = real_place(m_path);
        LECTIO_TRY(real);
        return real->string();
    }

    // What was committed, wherever it lies: in the file or in the log beside it.
    Result<std::string> look(const std::string& place, SteadyTime until) override {
        {
            Result<Database> database =
                Database::at(place, Database::Access::read_write, m_world.clock, until);
            LECTIO_TRY(database);
            // Who still reads keeps the log from being emptied; then what is in it counts.
            [[maybe_unused]] const Result<void> emptied = database->empty_log();
        }
        std::string seen;
        for (const std::string& file : {place, place + "-wal"}) {
            const Result<FileInfo> info = m_world.files.info(file, Files::Follow::no);
            if (file != place && (!info || info->size == 0_B)) {
                continue;
            }
            const Result<FileDigest> digest = digest_of(file, m_world.clock, until);
            LECTIO_TRY(digest);
            seen += digest->sha256;
        }
        return seen;
    }

    Result<void> take_snapshot(const Path& folder, SteadyTime until) override {
        const Result<snapshots::SqliteSnapshot> taken =
            snapshots::take_sqlite(m_path, folder / k_snapshot, m_world.files, m_world.clock, until);
        LECTIO_TRY(taken);
        return write_atomically(m_world.files, folder / k_snapshot_facts,
                                snapshots::json_of(*taken).dump(1) + "\n", k_for_us);
    }

    [[nodiscard]] Path snapshot_in(const Path& folder) const override { return folder / k_snapshot; }

    Result<void> put_back(const Snapshot& snapshot, const std::string& place, SteadyTime until) override {
        return becomes(snapshot, place, aside_of(snapshot.id, place), until,
                       left_of(snapshot.id, place) / Path(place).filename());
    }

    Result<RowsSince> rows_since(const Snapshot& snapshot, SteadyTime until) override {
        const Result<snapshots::SqliteSnapshot> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        Result<snapshots::RowCounts> now = snapshots::rows_of_sqlite(m_path, m_world.clock, until);
        LECTIO_TRY(now);
        return RowsSince{facts->facts.rows, std::move(*now)};
    }

    Result<std::optional<Text>> damage_to(const Snapshot& snapshot, SteadyTime until) override {
        const Result<snapshots::SqliteSnapshot> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        return snapshots::other_bytes(snapshot_in(snapshot.folder), *facts, m_world.clock, until);
    }

    Step prove(const Snapshot& snapshot, const std::string&, SteadyTime until) override {
        const Result<snapshots::SqliteSnapshot> facts = facts_of(snapshot);
        const Result<std::vector<Text>> flaws =
            facts ? snapshots::flaws_of_sqlite(snapshot_in(snapshot.folder), *facts, m_world.clock, until)
                  : facts.error();
        if (!flaws) {
            return Refusal{error_words(flaws.error().message)};
        }
        return flaws->empty() ? Step{} : Step(Refusal{flaws->front()});
    }

    Result<void> is_free(const std::string& place, SteadyTime) override {
        return snapshots::nobody_has_open(place);
    }

    Result<void> go_back_to(const Snapshot& earlier, const Snapshot& present, const std::string& place,
                            SteadyTime until) override {
        return becomes(earlier, place, left_of(present.id, place), until);
    }

    // The snapshots may lie in another file system.
    Result<std::vector<std::string>> keep_replaced(const Snapshot& snapshot, const std::string& place,
                                                   SteadyTime until) override {
        std::vector<std::string> kept;
        for (const auto& [folder, as] : {std::pair{aside_of(snapshot.id, place), k_replaced},
                                         std::pair{left_of(snapshot.id, place), k_left}}) {
            const Result<bool> moved = keep_as(folder, snapshot.folder / as, place, until);
            LECTIO_TRY(moved);
            if (*moved) {
                kept.push_back((snapshot.folder / as).string());
            }
        }
        return kept;
    }

  private:
    Result<snapshots::SqliteSnapshot> facts_of(const Snapshot& snapshot) {
        const Result<std::string> text = m_world.files.read(snapshot.folder / k_snapshot_facts, k_most_facts);
        LECTIO_TRY(text);
        return snapshots::sqlite_snapshot_from(json_within_depth(*text));
    }

    Result<void> becomes(const Snapshot& snapshot, const std::string& place, const Path& aside,
                         SteadyTime until, const Path& example = {}) {
        const Result<snapshots::SqliteSnapshot> facts = facts_of(snapshot);
        LECTIO_TRY(facts);
        const Result<snapshots::Restored> restored =
            snapshots::restore_sqlite({snapshot_in(snapshot.folder), *facts, place, aside, example},
                                      m_world.files, m_disk, m_world.clock, until);
        return restored ? Result<void>{} : restored.error();
    }

    // False: there is nothing to keep.
    Result<bool> keep_as(const Path& folder, const Path& as, const std::string& place, SteadyTime until) {
        const std::string name = Path(place).filename().string();
        const Result<std::vector<std::string>> names = m_world.files.list(folder);
        if (!names) {
            return names.error().kind == ErrorKind::not_found ? Result<bool>(false) : names.error();
        }
        for (const std::string& each : *names) {
            if (each.starts_with(name)) {
                LECTIO_TRY(move_or_copy(folder / each, as.string() + each.substr(name.size()), until));
            }
        }
        LECTIO_TRY(m_disk.remove_tree(folder));
        return true;
    }

    Step has_room(const Path& place, Bytes wanted) {
        const Result<ReleaseDisk::Room> room = m_disk.room(place);
        if (!room) {
            return Refusal{error_words(room.error().message)};
        }
        return room->free >= wanted ? Step{}
                                    : Step(Refusal{say(k_no_room_to_undo, format_size(room->free),
                                                       place.string(), format_size(wanted)),
                                                   say(k_no_room_to_undo_hint)});
    }

    Result<void> move_or_copy(const Path& from, const Path& to, SteadyTime until) {
        LECTIO_TRY(m_disk.remove_tree(to)); // of a copy that was cut short
        if (m_disk.move(from, to)) {
            return {};
        }
        LECTIO_TRY(copy_file(from, to, {k_for_us, std::nullopt, std::nullopt}, m_world.clock, until));
        return m_disk.remove_tree(from);
    }

    Path m_path;
    World& m_world;
    ReleaseDisk& m_disk;
};

} // namespace

std::unique_ptr<SiteDatabase> sqlite_database(Path path, World& world, ReleaseDisk& disk) {
    return std::make_unique<SqliteDatabase>(std::move(path), world, disk);
}

} // namespace lectio::release

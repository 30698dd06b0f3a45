#include "snapshots/sqlite_restore.h"

#include "platform/file_users.h"
#include "platform/sqlite.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio::snapshots {
namespace {

using Kind = ReleaseDisk::Named::Kind;

constexpr std::string_view k_record = "restore.json"; // in `aside`: what was begun
constexpr mode_t k_ours_alone = 0600;
constexpr mode_t k_without_example = 0640; // of a database that stands where none was

// The database first: that it is missing is loud, that its newest rows are is not.
constexpr std::array<std::string_view, 4> k_endings{"", "-wal", "-shm", "-journal"};

Error refused(ErrorKind kind, const Path& database, std::string_view reason) {
    return {kind, fmt::format("unable to restore {}: {}", clean_line(database.string()), reason)};
}

class Restore {
  public:
    Restore(const SqliteRestore& wish, Files& files, ReleaseDisk& disk, Clock& clock, SteadyTime until)
        : m_wish(wish), m_files(files), m_disk(disk), m_clock(clock), m_until(until) {}

    Result<Restored> go() {
        LECTIO_TRY(find_place());
        if (stands_already()) {
            return Restored{true, what_lies_aside()};
        }
        LECTIO_TRY(nobody_has_open(m_database));
        LECTIO_TRY(prove());
        LECTIO_TRY(prepare());
        Result<void> done = set_aside();
        done = done ? m_disk.move(m_prepared, m_database) : done;
        if (!done) {
            take_back();
            return done.error();
        }
        const Result<FileDigest> stands = digest_of(m_database, m_clock, m_until);
        LECTIO_TRY(stands);
        return *stands == m_ready
                   ? Result<Restored>(Restored{false, what_lies_aside()})
                   : Result<Restored>(refused(ErrorKind::io, m_database, "the disk gives back other bytes"));
    }

  private:
    // Where the database is in truth: the link to it stays.
    Result<void> find_place() {
        const Result<Path> real = real_place(m_wish.database);
        if (!real && real.error().kind != ErrorKind::not_found) {
            return real.error();
        }
        const std::string begun =
            text_of(record(), "database"); // a link leads nowhere since it was set aside
        m_database = real ? *real : begun.empty() ? m_wish.database : Path(begun);
        m_prepared =
            m_database.parent_path() / fmt::format(".lectio-restore-{}", m_database.filename().string());
        return {};
    }

    [[nodiscard]] Path with(std::string_view ending) const {
        return m_database.string() + std::string(ending);
    }

    // Of a call with the same snapshot that died; else empty.
    [[nodiscard]] nlohmann::json record() const {
        const Result<std::string> text = m_files.read(m_wish.aside / k_record, 64_kB);
        nlohmann::json found = text ? json_within_depth(*text) : nlohmann::json();
        return text_of(found, "snapshot") == m_wish.manifest.file.sha256 ? found : nlohmann::json();
    }

    // The last rename was done: what was prepared is in its place, and somebody may have written to it since.
    [[nodiscard]] bool stands_already() const {
        const Result<ReleaseDisk::Named> prepared = m_disk.look_at(m_prepared);
        return !text_of(record(), "ready").empty() && prepared && prepared->kind == Kind::nothing &&
               m_files.info(m_database, Files::Follow::no).ok();
    }

    Result<void> prove() {
        const Result<std::vector<Text>> flaws =
            flaws_of_sqlite(m_wish.snapshot, m_wish.manifest, m_clock, m_until);
        LECTIO_TRY(flaws);
        return flaws->empty() ? Result<void>{} : refused(ErrorKind::invalid, m_database, flaws->front().en);
    }

    // All that takes time, and may fail, beside what still stands.
    Result<void> prepare() {
        LECTIO_TRY(make_aside());
        LECTIO_TRY(keep_record(""));                      // from here on what was prepared before is not
        for (const std::string_view ending : k_endings) { // of a call that died
            LECTIO_TRY(remove_file(m_prepared.string() + std::string(ending)));
        }
        const Result<NewFile> as = example();
        LECTIO_TRY(as);
        LECTIO_TRY(copy_file(m_wish.snapshot, m_prepared, *as, m_clock, m_until));
        if (m_wish.manifest.log) {
            LECTIO_TRY(give_log());
        }
        Result<FileDigest> ready = digest_of(m_prepared, m_clock, m_until);
        LECTIO_TRY(ready);
        m_ready = std::move(*ready);
        return keep_record(m_ready.sha256);
    }

    Result<void> keep_record(const std::string& ready) {
        const nlohmann::json record{{"schema", 1},
                                    {"database", m_database.string()},
                                    {"snapshot", m_wish.manifest.file.sha256},
                                    {"ready", ready},
                                    {"begun", format_utc(m_clock.now().wall)}};
        return write_atomically(m_files, m_wish.aside / k_record,
                                record.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                                k_ours_alone);
    }

    [[nodiscard]] Result<NewFile> example() const {
        for (const Path& one : {m_database, m_wish.aside / m_database.filename(), m_wish.example}) {
            const Result<FileInfo> info = m_files.info(one, Files::Follow::no);
            if (info) {
                return NewFile{info->mode, info->owner, info->group};
            }
        }
        const Result<FileInfo> folder = m_files.info(m_database.parent_path(), Files::Follow::yes);
        LECTIO_TRY(folder);
        return NewFile{k_without_example, folder->owner, folder->group};
    }

    Result<void> give_log() {
        {
            Result<Database> database =
                Database::at(m_prepared, Database::Access::read_write, m_clock, m_until);
            LECTIO_TRY(database);
            LECTIO_TRY(database->run("PRAGMA journal_mode = WAL"));
        }
        return sync_file(m_prepared);
    }

    Result<void> make_aside() {
        const Result<ReleaseDisk::Named> there = m_disk.look_at(m_wish.aside);
        LECTIO_TRY(there);
        return there->kind == Kind::folder ? Result<void>{} : m_disk.make_folder(m_wish.aside);
    }

    Result<void> set_aside() {
        for (const std::string_view ending : k_endings) {
            const Path from = with(ending);
            const Path to = m_wish.aside / from.filename();
            const Result<ReleaseDisk::Named> here = m_disk.look_at(from);
            LECTIO_TRY(here);
            const Result<ReleaseDisk::Named> there = m_disk.look_at(to);
            LECTIO_TRY(there);
            if (here->kind == Kind::nothing) {
                continue;
            }
            if (there->kind != Kind::nothing) {
                return refused(ErrorKind::busy, m_database,
                               fmt::format("somebody has written {} since it was set aside",
                                           clean_line(from.filename().string())));
            }
            LECTIO_TRY(m_disk.move(from, to));
        }
        return {};
    }

    // A place that is empty helps nobody: who starts would make a new database there.
    void take_back() {
        for (const std::string_view ending : k_endings) {
            const Path place = with(ending);
            const Path aside = m_wish.aside / place.filename();
            const Result<ReleaseDisk::Named> here = m_disk.look_at(place);
            if (here && here->kind == Kind::nothing && m_files.info(aside, Files::Follow::no)) {
                // What cannot be moved lies aside, and the same call goes on from there.
                [[maybe_unused]] const Result<void> back = m_disk.move(aside, place);
            }
        }
    }

    [[nodiscard]] std::vector<Path> what_lies_aside() const {
        std::vector<Path> all;
        for (const std::string_view ending : k_endings) {
            const Path one = m_wish.aside / with(ending).filename();
            if (m_files.info(one, Files::Follow::no)) {
                all.push_back(one);
            }
        }
        return all;
    }

    const SqliteRestore& m_wish;
    Files& m_files;
    ReleaseDisk& m_disk;
    Clock& m_clock;
    SteadyTime m_until;
    Path m_database, m_prepared;
    FileDigest m_ready;
};

} // namespace

Result<Restored> restore_sqlite(const SqliteRestore& restore, Files& files, ReleaseDisk& disk, Clock& clock,
                                SteadyTime until) {
    return Restore(restore, files, disk, clock, until).go();
}

Result<void> nobody_has_open(const Path& database) {
    std::vector<Path> all;
    for (const std::string_view ending : k_endings) {
        all.push_back(database.string() + std::string(ending));
    }
    const Result<std::vector<FileUser>> users = users_of(all);
    LECTIO_TRY(users);
    if (users->empty()) {
        return {};
    }
    std::string names;
    for (const FileUser& user : *users) {
        names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", user.name, user.pid);
    }
    return refused(ErrorKind::busy, database, fmt::format("it is open in {}", names));
}

} // namespace lectio::snapshots

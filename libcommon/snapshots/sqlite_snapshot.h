// A snapshot of a SQLite database: one file with what was committed at one moment, taken while others write, and the
// facts by which it is known again (RELEASES_AND_BACKUPS sections 6 and 7).
//
//     Result<SqliteSnapshot> taken = take_sqlite(database, folder / "before.sqlite3", files, clock, until);
//     … folder / "before.sqlite3.json" gets json_of(*taken), and later …
//     Result<std::vector<Text>> flaws = flaws_of_sqlite(folder / "before.sqlite3", *taken, clock, until);
//     // empty: it is what was taken, and whole
#pragma once

#include "platform/clock.h"
#include "platform/durable_file.h"
#include "platform/files.h"
#include "snapshots/row_counts.h"
#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::snapshots {

struct SqliteSchema {
    std::string hash;           // SHA-256 of all that sqlite_master says
    std::string last_migration; // "app.0012_name", of django_migrations; empty: none
    bool operator==(const SqliteSchema&) const = default;
};

struct SqliteFacts {
    SqliteSchema schema;
    std::int64_t user_version = 0, application_id = 0;
    RowCounts rows;           // virtual tables left out
    std::int64_t orphans = 0; // rows whose foreign key leads nowhere: that is so in the source, too
    bool operator==(const SqliteFacts&) const = default;
};

struct SqliteSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // "SQLite 3.40.1"
    FileDigest file;
    bool log = false; // the source has a write-ahead log: what is restored gets one, too
    SqliteFacts facts;
    bool operator==(const SqliteSnapshot&) const = default;
};

nlohmann::json json_of(const SqliteSnapshot& snapshot);
// invalid: not such an object. It comes from a disk that others may write to.
Result<SqliteSnapshot> sqlite_snapshot_from(const nlohmann::json& json);

// `into` is a new file of ours alone (0600), whole, proven by integrity_check, and on the disk (`read`: as far as that puts
// it there, while a second thread looks at it); without a log, so that
// looking at it changes nothing beside it. Its folder is ours. On an Error nothing of it stays. Errors: not_found;
// invalid: no SQLite database, empty, or damaged; busy: locked until `until`; timeout, no_space, permission, io.
Result<SqliteSnapshot> take_sqlite(const Path& source, const Path& into, Files& files, Clock& clock,
                                   SteadyTime until, const ReadThrough& read = sync_and_digest);

// What keeps `file` from being this snapshot by its bytes alone; nothing: it has them.
Result<std::optional<Text>> other_bytes(const Path& file, const SqliteSnapshot& snapshot, Clock& clock,
                                        SteadyTime until);
// What keeps `file` from being this snapshot: other bytes, damage, other rows; empty: it is proven. An Error: it could
// not be looked at. Nothing is changed or made beside it.
Result<std::vector<Text>> flaws_of_sqlite(const Path& file, const SqliteSnapshot& snapshot, Clock& clock,
                                          SteadyTime until);

// Of a database that may be in use; virtual tables left out.
Result<RowCounts> rows_of_sqlite(const Path& database, Clock& clock, SteadyTime until);
// Of a database that may be in use: django_migrations is no proof of what the tables are (measured: M15).
Result<SqliteSchema> schema_of_sqlite(const Path& database, Clock& clock, SteadyTime until);

} // namespace lectio::snapshots

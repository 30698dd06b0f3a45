// A snapshot of a PostgreSQL database: a tar with what pg_dump makes of it (the custom format) and, beside it, the roles
// and tablespaces of its server (docs/decisions/0046).
//
// The rows are counted in the transaction whose snapshot pg_dump takes over (postgresql.org/docs/15/functions-admin.html,
// "Snapshot Synchronization Functions"): what it must be when it is restored is known to the row, whoever writes meanwhile.
#pragma once

#include "config/backup.h"
#include "platform/durable_file.h"
#include "platform/world.h"
#include "snapshots/row_counts.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

inline constexpr std::string_view k_postgres_dump = "database.dump"; // pg_restore reads it
inline constexpr std::string_view k_postgres_globals = "globals.sql";

struct PostgresSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
    FileDigest file;
    std::string server;   // its version
    std::string database; // its name
    snapshots::RowCounts rows;
    bool has_globals = false;
    bool has_passwords = false; // of the roles: only who may read pg_authid sees them
    bool operator==(const PostgresSnapshot&) const = default;
};

nlohmann::json json_of(const PostgresSnapshot& snapshot);
Result<PostgresSnapshot> postgres_snapshot_from(const nlohmann::json& json); // invalid: not such an object

// Writers are not held up, as long as none of them changes a table itself. Errors: those of a connection
// (platform/postgres.h); not_found: no pg_dump that fits, what to install; invalid: a database without tables.
Result<PostgresSnapshot> take_postgres(const PostgresSource& source, const Path& into, World& world,
                                       SteadyTime until, const ReadThrough& read = sync_and_digest);
// By reading it.
Result<std::vector<Text>> flaws_of_postgres(const Path& tar, const PostgresSnapshot& snapshot, World& world,
                                            SteadyTime until);

// pg_dump's archive out of the tar, as a file beside it.
Path dump_beside(const Path& tar);
Result<void> extract_dump(const Path& tar, World& world, SteadyTime until);

} // namespace lectio::backup

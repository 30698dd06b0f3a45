// restore of a PostgreSQL database: in the place of the site's, or into a new one.
#pragma once

#include "session.h"

namespace lectio::backup {

struct PostgresOrder {
    const BackupSource& source;
    const Backup& backup;
    Text taken;   // which backup it is, in words
    Path scratch; // where it is unpacked
};

// A name or a URL of a database; else it is a file's.
bool leads_to_a_database(const std::string& to);
// As --to and --dry-run say; the exit status.
int restore_postgres(Session& session, const PostgresOrder& order);

} // namespace lectio::backup

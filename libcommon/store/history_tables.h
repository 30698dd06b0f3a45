// The tables of history.sqlite: made, filled by one run, kept small. Each within a transaction of the caller's.
#pragma once

#include "platform/sqlite.h"
#include "store/history.h"

namespace lectio {

// What a file says that it is.
struct HistoryVersion {
    bool blank = false; // no tables and no number: begun by somebody and not yet made
    std::int64_t application = 0, schema = 0;
};
Result<HistoryVersion> read_version(Database& database);

Result<void> make_history_tables(Database& database);
Result<void> insert_run(Database& database, const RecordedRun& run);
// A bounded part of what is to go, the oldest first; the runs to come see to the rest.
Result<void> trim_history(Database& database, const HistoryLimits& limits, WallTime now);

} // namespace lectio

// sqlite: a SQLite database in use is whole, is not locked for long, and is not larger than it should be.
#pragma once

#include "checks/check_type.h"
#include "platform/file_probe.h"
#include "platform/sqlite_probe.h"

#include <map>
#include <string>

namespace lectio {

struct SqliteSettings {
    Path path;
    bool quick_check = false;
    Duration timeout{120'000}; // of quick_check
    Thresholds size, free_pages;
    Thresholds wal{Amount{Amount::Unit::bytes, 256.0 * 1024 * 1024}, {}};
    Thresholds locked{Amount{Amount::Unit::milliseconds, 5'000}, {}};
};

struct SqliteSample {
    FileProbe file;
    SqliteSighting sighting; // where `file` is a regular file
    std::string holder;      // the command line of who holds the lock; empty: not known
};

// Pure. `memory`: the levels of the last run.
CheckResult evaluate_sqlite(const SqliteSample& sample, const SqliteSettings& settings,
                            const std::map<std::string, std::string>& memory);
CheckType sqlite_check_type();

} // namespace lectio

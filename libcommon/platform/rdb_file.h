// A dump of Redis (RDB) read through: its checksum, its structure, and how many keys it holds. Nothing is unpacked.
//
// The format: redis/src/rdb.h and rdb.c of 7.0 to 7.4; the checksum is the CRC-64 of redis/src/crc64.c over all before it.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"
#include "util/units.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace lectio {

struct RdbFacts {
    int format = 0;                    // of the file: 9 for Redis 5 and 6, 10 for 7.0 …
    std::map<int, std::uint64_t> keys; // by number of the database, those that have expired too
    bool has_checksum = false;         // not with `rdbchecksum no`
    bool understood = true;   // false: something in it is newer than this reader: `keys` may be short
    bool modules = false;     // holds what only a server with the same modules can load
    std::string server;       // that has written it: "7.0.15"; empty: it does not say
    Bytes memory;             // that its server used; 0: it does not say
    std::int64_t created = 0; // seconds since 1970 by the clock of its server; 0: it does not say
    bool operator==(const RdbFacts&) const = default;
};

// Errors: invalid: it is no dump, is damaged (words say where), or lacks its end; else as in durable_file.h.
Result<RdbFacts> read_rdb(const Path& file, Clock& clock, SteadyTime until);

// CRC-64/REDIS (Jones), to be gone on with: begins with 0.
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes);

} // namespace lectio

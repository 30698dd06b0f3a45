// A snapshot of a Redis: its dump (RDB) of one moment, of all its databases, taken while others write.
//
// replication: as a replica gets it (redis-cli --rdb does the same), so that no file of the server's is read at all;
// bgsave: the server saves, and the file that it has renamed into its place is copied. docs/decisions/0047.
#pragma once

#include "config/backup.h"
#include "platform/durable_file.h"
#include "platform/rdb_file.h"
#include "platform/redis.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

// Where a server keeps what it loads at its start, as CONFIG GET tells.
struct RedisPlace {
    Path dump;        // empty: it does not say, or it may not be asked
    Path append_only; // what it loads instead of the dump; empty: `appendonly` is off
    bool operator==(const RedisPlace&) const = default;
};

struct RedisSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // "Redis 7.0.15"
    std::string via;
    FileDigest file;
    RdbFacts facts;
    RedisPlace place;
    bool operator==(const RedisSnapshot&) const = default;
};

nlohmann::json json_of(const RedisSnapshot& snapshot);
Result<RedisSnapshot> redis_snapshot_from(const nlohmann::json& json); // invalid: not such an object
std::uint64_t keys_in(const RdbFacts& facts);

// As much as it has in memory: its dump is smaller. 0: it does not say.
Result<Bytes> size_of_redis(const RedisSource& source, World& world);
// Errors: those of RedisConnector; permission: it does not let us; busy: it is loading, or a save of its own fails;
// invalid: what came is no whole dump, or the file that was found is not the one that was saved.
Result<RedisSnapshot> take_redis(const RedisSource& source, const Path& into, World& world, SteadyTime until,
                                 const ReadThrough& read = digest_of);

// Checksum, structure and keys; then a redis-server of our own, that nobody else can reach, loads it where
// why_not_loaded() has nothing against that, and has the same keys in each database.
Result<std::vector<Text>> flaws_of_redis(const Path& dump, const RedisSnapshot& snapshot, World& world,
                                         SteadyTime until);
// Why the proof of it is its checksum and its structure only; empty: a server loads it.
Text why_not_loaded(const RedisSnapshot& snapshot, World& world);

// What the server that answers there says of itself.
Result<RedisPlace> place_of_redis(const RedisSource& source, World& world, Duration limit);

// What follows PSYNC, piece by piece: lines, then "$LENGTH" or "$EOF:MARK" and the dump (redis/src/replication.c,
// readSyncBulkPayload()).
class RedisTransfer {
  public:
    // What of the piece belongs to the dump goes on to `give`. Errors: permission, busy: the server refuses, in its words;
    // protocol: it says what no server says here; those of `give`.
    Result<void> take(std::string_view piece, const Give& give);
    [[nodiscard]] bool is_whole() const { return m_state == State::whole; }

  private:
    enum class State { lines, counted, marked, whole };
    Result<void> line(std::string_view text);

    State m_state = State::lines;
    std::string m_held; // of a line, or what may be the beginning of the mark
    std::string m_mark;
    std::uint64_t m_left = 0;
};

} // namespace lectio::backup

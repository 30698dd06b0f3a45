// Backup: what is known of one, kept as SOURCE-TIME-ID.json beside its file (CONTRACT 31). Which there are, how old they
// are and what they are worth is read from here and never from times of files.
#pragma once

#include "backup/snapshot.h"
#include "platform/clock.h"
#include "platform/durable_file.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lectio::backup {

enum class State {
    complete, // durable, not proven yet: it counts as none
    verified, // was restored into a scratch place and proven
    unchanged, // its bytes were read back and are what was written; whether they can be restored nobody here can say
    suspect, // much smaller than the one before: counts as none until somebody accepts it
    bad,     // did not pass its proof
};
std::string_view to_string(State state);

struct Backup {
    std::string id; // six letters
    std::string source, type;
    WallTime time; // of what is in it
    State state = State::complete;
    std::string reason; // why it is suspect or bad, or could not be proven, in the operator's language
    FileDigest packed;  // the file as it lies there
    std::optional<FileDigest> compressed{}; // what is in that once it is decrypted; none: it is not encrypted
    Snapshot snapshot;
    std::optional<WallTime> verified;    // when it was proven last
    std::optional<WallTime> unchanged{}; // when it was read last, and was byte by byte what it should be
    Duration took{};                     // to make it
    Duration restore_took{};             // to unpack and prove it, the last time
    bool pinned = false;
    std::string accepted{};            // why it is good although it is much smaller
    std::optional<WallTime> trashed{}; // since when it lies in the trash
    std::optional<WallTime> away{};    // when it was copied away from this server
    bool seen_away = false;            // and the remote has listed it with its size
    std::string no_latest{};           // why `latest` is not a copy of it; of this call, in no manifest

    [[nodiscard]] bool counts() const {
        return (state == State::verified || state == State::unchanged) && !trashed;
    }
    // Its last proof went as far as a restore, so that nothing newer is known of it.
    [[nodiscard]] bool was_restored() const { return verified && (!unchanged || *verified >= *unchanged); }
    // Compressed, before it was encrypted.
    [[nodiscard]] Bytes compressed_size() const { return compressed ? compressed->size : packed.size; }
    [[nodiscard]] std::string stem() const;      // "database-20261122T165012Z-x7k2fa"
    [[nodiscard]] std::string file_name() const; // stem().sqlite3.zst, stem().tar.zst.age
    [[nodiscard]] std::string manifest_name() const;
    bool operator==(const Backup&) const = default;
};

std::string make_id(std::uint64_t random);
// Of what one of `source` is named by, where the name is all that can be read of it.
std::optional<WallTime> time_in_stem(std::string_view stem, std::string_view source);

std::string to_json(const Backup& backup);
// invalid: not such an object, or with words in it that could lead elsewhere as part of a path.
Result<Backup> backup_from_json(std::string_view text);

} // namespace lectio::backup

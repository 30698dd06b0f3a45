// Snapshot: what is in a backup, whatever its source is, and the facts by which it is known again. Each kind of source has
// its own; what all do with them stands here.
#pragma once

#include "backup/exec_snapshot.h"
#include "backup/files_snapshot.h"
#include "backup/postgres_snapshot.h"
#include "backup/redis_snapshot.h"
#include "backup/restic_snapshot.h"
#include "config/backup.h"
#include "platform/world.h"
#include "snapshots/sqlite_snapshot.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

using Snapshot = std::variant<snapshots::SqliteSnapshot, FilesSnapshot, PostgresSnapshot, RedisSnapshot,
                              ExecSnapshot, ResticSnapshot>;

WallTime taken(const Snapshot& snapshot);
const FileDigest& plain_file(const Snapshot& snapshot); // before it is compressed
std::string_view extension(const Snapshot& snapshot);
std::string_view type_of(const Snapshot& snapshot); // of a source that such a one is taken of
// It lies in a repository elsewhere; its file here is a list of it.
bool is_in_repository(const Snapshot& snapshot);
bool is_list_of_repository(
    std::string_view file_name);            // the same by the name of the file, where no manifest says it
Bytes content_of(const Snapshot& snapshot); // what a restore of it brings
// The files and folders that are in it, where they belong; nullptr: it is of something else.
const std::vector<Path>* paths_of(const Snapshot& snapshot);
Text counted(const Snapshot& snapshot); // "120 rows"

nlohmann::json json_of(const Snapshot& snapshot);
// invalid: not such an object, or of a kind that is not known here.
Result<Snapshot> snapshot_from(const nlohmann::json& json);

// What it will take on the disk until it is packed, more or less. `before`: the last one that counts, or nullptr.
Result<Bytes> size_of(const BackupSource& source, const Snapshot* before, World& world, SteadyTime until);
// `into`: a new file of ours alone, whole; on an Error nothing of it stays. `min_free`: of its disk, whoever writes it.
// `read`: is called once, when all of it is there, and gives its digest; what it makes of it is its caller's to keep or, on
// an Error, to remove.
Result<Snapshot> take(const BackupSource& source, const Path& into, Bytes min_free, const ReadThrough& read,
                      World& world, SteadyTime until);
// What keeps `plain` from being this snapshot, as far as the file says it; empty: nothing. An Error: it could not be
// looked at.
Result<std::vector<Text>> flaws_of(const Path& plain, const Snapshot& snapshot, World& world,
                                   SteadyTime until);
// How far a proof of such a backup must go for it to count; `source`: nullptr where it is no longer configured. unchanged:
// nobody knows what is in it, so that its bytes are what they were is all; or they lie elsewhere, where they are whole as
// far as can be seen without fetching them.
enum class Proof { restored, unchanged };
Proof proof_of(const Snapshot& snapshot, const BackupSource* source);
// What the proof of such a backup cannot say on this host; empty: it was restored.
Text lack_of_proof(const Snapshot& snapshot, World& world);

// How much a proof may cost. cheap: what lies in a repository elsewhere is not fetched.
enum class Effort { cheap, full };
// The same of what takes a server, a program of the operator's own or a repository to be restored; nothing of the other
// kinds, whose file says all. `id`: of the backup; `source`: nullptr where it is no longer configured.
struct Tried {
    std::vector<Text> flaws;
    Proof proof = Proof::restored; // how far it went
};
Result<Tried> flaws_when_tried(const Path& plain, const Snapshot& snapshot, const BackupSource* source,
                               const std::string& id, Effort effort, World& world, SteadyTime until);

} // namespace lectio::backup

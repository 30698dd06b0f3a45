// A snapshot of files and folders that lies in a repository of restic's, elsewhere: what a tar would copy each night anew
// goes there once. Here lies the list of what is in it, as restic gives it back (`restic ls --json`), which is packed and
// kept as every other backup.
//
// `restic backup` is all that ever writes there. Whatever else is asked is asked with --no-lock: nobody's work is held up by
// a question of ours, and credentials that may only add are enough. Nothing is forgotten and no lock of anybody's removed.
#pragma once

#include "config/backup.h"
#include "platform/durable_file.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

struct ResticSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // "restic 0.14.0"
    FileDigest file;       // the list
    std::string id;        // of the snapshot, as restic has it
    std::uint64_t files = 0;
    Bytes content;                    // of all files together
    Bytes added;                      // of that, what the repository did not have yet
    std::vector<Path> paths;          // what was asked for, where it is in truth
    std::uint64_t unread = 0;         // files that could not be read
    std::vector<std::string> missing; // the first of them
    bool operator==(const ResticSnapshot&) const = default;
};

nlohmann::json json_of(const ResticSnapshot& snapshot);
Result<ResticSnapshot> restic_snapshot_from(const nlohmann::json& json); // invalid: not such an object

// Gives them to the repository; `into` gets the list. What is mounted below a path stays out. Errors: not_found: a path is not
// there; io: what restic says; timeout.
Result<ResticSnapshot> take_restic(const BackupSource& source, const Path& into, World& world,
                                   SteadyTime until, const ReadThrough& read = digest_of);
// The ids of all snapshots that the repository has, whoever made them.
Result<std::set<std::string>> ids_in_repository(const BackupSource& source, World& world, SteadyTime until);
// Whether the repository has the snapshot and is whole as far as `restic check` sees without reading the content; empty: it
// is. An Error: it could not be asked.
Result<Text> flaw_of_structure(const std::string& id, const BackupSource& source, World& world,
                               SteadyTime until);
// Has every file of it read back out of the repository, decrypted and compared with its checksum; nothing is written here.
Result<Text> flaw_of_content(const std::string& id, const BackupSource& source, World& world,
                             SteadyTime until);
// `folder` is there and empty; what is in the snapshot, or of that only `below`, stands in it under its whole path and is
// compared with the repository.
Result<void> restore_restic(const std::string& id, const Path& folder, const Path& below,
                            const BackupSource& source, World& world, SteadyTime until);

// What restic prints, as its manual has it ("Scripting").
struct ResticSummary {
    std::string id;
    std::uint64_t files = 0;
    Bytes content, added;
};
Result<ResticSummary> summary_of(std::string_view out); // of `backup --json`
// Of its standard error: the files that it could not read; what it says beside that.
struct ResticComplaints {
    std::vector<std::string> files;
    std::vector<std::string> words;
};
ResticComplaints complaints_of(std::string_view err);
std::string id_in_list(std::string_view first_line); // of `ls --json`; empty: it is none

} // namespace lectio::backup

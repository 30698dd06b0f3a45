// A snapshot of files and folders: a tar as GNU tar makes it, with owners, modes and times, whose last entry is a list of
// what is in it (`sha256sum -c` reads it), so that each file is known again by itself, with this tool or without.
#pragma once

#include "config/backup.h"
#include "platform/durable_file.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

inline constexpr std::string_view k_list_of_files = "lectio-files.sha256"; // the last entry

struct FilesSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // "tar (GNU tar) 1.34"
    FileDigest file;
    std::uint64_t files = 0;
    std::vector<Path> paths;          // what was asked for, where it is in truth
    std::uint64_t unsteady = 0;       // files that changed or vanished while they were read
    std::vector<std::string> changed; // the first of them, as tar says it
    bool operator==(const FilesSnapshot&) const = default;
};

nlohmann::json json_of(const FilesSnapshot& snapshot);
Result<FilesSnapshot> files_snapshot_from(const nlohmann::json& json); // invalid: not such an object

// Where they are once every link is followed. Errors: not_found, permission; invalid: one is /.
Result<std::vector<Path>> in_truth(const std::vector<std::filesystem::path>& paths);
// What is mounted below a path, and sockets, stay out, and so does the folder of `into`. Errors: not_found: a path is not
// there; no_space: less than `min_free` would stay free; invalid: a path is that folder; io: what tar says.
Result<FilesSnapshot> take_files(const FilesSource& source, const Path& into, World& world, SteadyTime until,
                                 const ReadThrough& read = sync_and_digest, Bytes min_free = {});
// Reads the tar and compares every file with its line of the list.
Result<std::vector<Text>> flaws_of_files(const Path& tar, const FilesSnapshot& snapshot, World& world,
                                         SteadyTime until);

struct Extraction {
    Path folder;       // is there, empty, and no way to it can be led elsewhere by others
    std::string below; // only this name of the tar, with all below it; empty: everything
};
// Extracts, and compares each file that is there afterwards with its line of the list. invalid: it is not what it was.
Result<void> extract_files(const Path& tar, const Extraction& extraction, World& world, SteadyTime until);

} // namespace lectio::backup

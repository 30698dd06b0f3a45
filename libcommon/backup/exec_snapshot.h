// A snapshot that a program of the operator's own makes: what it writes to its standard output. What is in it only another
// of his programs knows; without one the bytes are all that can be proven.
#pragma once

#include "config/backup.h"
#include "platform/durable_file.h"
#include "platform/world.h"
#include "util/result.h"
#include "words/phrase.h"

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio::backup {

struct ExecSnapshot {
    WallTime taken;
    Duration took{};
    std::string made_with; // the program's name
    FileDigest file;
    std::string extension;
    bool operator==(const ExecSnapshot&) const = default;
};

nlohmann::json json_of(const ExecSnapshot& snapshot);
Result<ExecSnapshot> exec_snapshot_from(const nlohmann::json& json); // invalid: not such an object

// Errors: io: its exit status is not 0, or a signal has ended it; invalid: it has written nothing; timeout: it takes longer
// than it may; no_space: less than `min_free` of the disk would stay free.
Result<ExecSnapshot> take_exec(const ExecSource& source, const Path& into, Bytes min_free, World& world,
                               SteadyTime until, const ReadThrough& read = digest_of);
// What the source's `verify` says of it: a flaw for each exit status but 0. Errors: it could not be asked, or has not come to
// its end.
Result<std::vector<Text>> flaws_by_program(const Path& plain, const ExecSource& source, World& world,
                                           SteadyTime until);
// Hands it to the source's `restore`. io: its exit status is not 0.
Result<void> restore_by_program(const Path& plain, const ExecSource& source, World& world, SteadyTime until);

} // namespace lectio::backup

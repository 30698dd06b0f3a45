// Who else could write what root will obey: a configuration names programs, units and files that root acts upon.
#pragma once

#include "config/config.h"
#include "config/node.h"
#include "platform/files.h"

#include <optional>
#include <set>

#include <sys/types.h>

namespace lectio {

// A note, with the line that mends it, where somebody other than root and `us` owns the file, may write to it, or may
// exchange it in its folder. Access lists are seen as the kernel shows them: in the group's bits.
std::optional<Config::Note> note_of_other_writers(const Path& path, const FileInfo& file,
                                                  const FileInfo& folder, uid_t us);

// The same of a file of this host, for what root runs; nothing for other users, who act with their own rights only.
std::optional<Config::Note> note_of_other_writers(Files& files, const Path& path);

// The files that a configuration has root itself run: the programs of each `command`, `test`, `offsite` and such without
// a `user`, and behind an interpreter its script. Names without a folder are looked up in a fixed PATH, and are not among them.
std::set<Path> programs_of_root(const Node& root);

} // namespace lectio

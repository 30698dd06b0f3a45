// Trees: owner and modes of a whole folder, looked at and mended in one walk.
//
// The walk goes by directory descriptors (openat, fstatat, fchownat, fchmod), so that nobody can swap a
// folder for a link between looking and changing: a link is never followed and never changed, and the walk
// stays on the file system it began on; nor does it touch a file that has another name elsewhere and may be
// somebody else's (hard links). Only what differs is touched. As root it mends folders of mode 000,
// too.
#pragma once

#include "platform/files.h"
#include "platform/users.h"
#include "util/result.h"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace lectio {

struct TreeRules {
    Owner owner;
    mode_t folders = 0755; // permission bits of each folder
    mode_t files = 0644;   // and of each regular file: no executable bit stays beyond what this says
};

enum class TreeMode {
    look, // whether anything is wrong: up to the first that is
    apply,
};

struct TreeRepair {
    std::uint64_t examined = 0;        // files and folders
    std::uint64_t changed = 0;         // wrong, and mended (by a look: would be)
    std::uint64_t failed = 0;          // wrong or unreadable, and could not be mended
    std::vector<std::string> examples; // the first few that were wrong: "static/js 000 → 755"
    std::string first_failure;         // why, of the first one that failed
};

// An Error only where `root` is not a folder that can be opened or a link leads to it that another user may
// have laid (platform/trusted_path.h); what fails below is counted. `root` itself may be a link (a release is
// one); everything below it may not.
Result<TreeRepair> repair_tree(const Path& root, const TreeRules& rules, TreeMode mode);

// A name in a folder is given by whoever may write to it, also to a file that is not theirs (link(2), where
// fs.protected_hardlinks is off): /etc/shadow under a name in uploads/ would become readable for all. What has
// more names is mended or copied only where the folder can be written by nobody but the file's own owner.
bool may_be_laid_here(const struct stat& file, const struct stat& folder);

} // namespace lectio

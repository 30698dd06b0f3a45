// A tree that others own, copied by descriptors: who owns the folders can neither lead the copy to files of others nor
// have it written elsewhere.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/received.h"
#include "platform/trees.h"
#include "platform/users.h"
#include "util/result.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace lectio {

struct CopyRules {
    TreeRules tree;
    std::optional<mode_t> programs; // of files that their owner may execute; else as the others
    enum class Times { keep, now };
    Times times = Times::keep; // of files
    enum class Sync { each, none };
    Sync sync = Sync::each; // each file and folder is on the disk before the next; none: the caller syncs all
    std::function<bool(std::string_view below)> leave_out; // with all below it
};

// The folder `from_name` in `from` becomes the new folder `to_name` in `to`; until it is whole, nobody but us may enter.
// Links are copied as links, what is neither file, folder nor link is left out, and so is what is mounted below.
// A file with more names is copied only where nobody but its owner can have named it so (trees.h); else it is an Error.
// `shown`: the source's path in messages. timeout: not done by `until`, or the process is to end.
Result<void> copy_folder(int from, const std::string& from_name, int to, const std::string& to_name,
                         const Path& shown, const CopyRules& rules, Clock& clock, SteadyTime until);

// A build out of a folder of this server, as unpack() (unpack.h) takes one out of an archive, by the same rules: judged
// before it is copied, read back afterwards. busy: it has changed meanwhile. `into`: a folder that is not there yet, in
// one that is; it becomes `as`'s.
Result<Received> copy_tree(const Path& source, const Path& into, const User& as, const ReceiveLimits& limits,
                           Clock& clock, SteadyTime until,
                           const std::function<bool(std::string_view below)>& leave_out = {});

} // namespace lectio

// Questions to a file system that may never answer (DESIGN "Hung file systems").
//
// A stat on a dead network or FUSE mount cannot be interrupted, not even by SIGKILL, and a process with such a thread
// neither exits nor gives up its locks. Such mounts are asked by a child, therefore, that holds nothing of ours and is
// left behind while it hangs (docs/decisions/0006).
#pragma once

#include "platform/files.h"
#include "platform/host.h"

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace lectio {

// The mount that `path` leads to, through its links, if it is one that may hang: a network or FUSE file system, or one
// that is mounted when it is touched. Nothing where it is a disk of this host. None of them is touched.
std::optional<Mount> mount_that_may_hang(const Path& path, const std::vector<Mount>& mounts);

// For messages: "/mnt/media (nfs4)".
std::string mount_name(const Mount& mount);

struct Stranded {
    enum class Outcome {
        answered,
        hangs,       // no answer within the time
        still_hangs, // the child of an earlier run has not come back: nothing was asked
        failed,      // no child could be started, or it died: `error`
    };
    Outcome outcome = Outcome::failed;
    Error error;
    // The child that was left behind: keep it (CheckResult::memory) and give it to the next question. Empty: none.
    std::string left_behind;
};

// Fills `answer`, of `size` bytes, in a child by look(path, answer). `look` may only do what a signal handler may:
// other threads of ours may have held any lock at the fork.
using Look = void (*)(const char* path, void* answer);
Stranded ask_in_child(Look look, const Path& path, void* answer, std::size_t size, Duration timeout,
                      const std::string& left_behind);

template<class Answer>
Stranded ask_in_child(Look look, const Path& path, Answer& answer, Duration timeout,
                      const std::string& left_behind) {
    static_assert(std::is_trivially_copyable_v<Answer>);
    return ask_in_child(look, path, &answer, sizeof answer, timeout, left_behind);
}

} // namespace lectio

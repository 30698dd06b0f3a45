// What a server has refused for good lies in outbox/rejected, with the reason beside it, for a person to look at and
// to try again.
#pragma once

#include "alerts/message.h"
#include "platform/files.h"

#include <string>
#include <vector>

namespace lectio {

struct Rejected {
    std::string id; // of its file: "errors-0001769076000000-00004711-0"
    std::string channel;
    std::string why;
    Message message;
};

// The oldest first. `outbox` is paths.state/outbox; what cannot be read, or is not called as the outbox calls it, is
// left out.
std::vector<Rejected> rejected_messages(Files& files, const Path& outbox);
// The names of what is left out there: somebody else's files, or damaged ones.
std::vector<std::string> strange_among_rejected(Files& files, const Path& outbox);
// Waits to be sent again, in one step: it never lies in both places. not_found: there is none of that id (any more).
Result<void> put_back(Files& files, const Path& outbox, const Rejected& rejected);

} // namespace lectio

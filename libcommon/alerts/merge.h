// Putting messages together: what waited too long, or in too great a number, becomes fewer messages. Pure.
#pragma once

#include "alerts/outbox.h"

#include <vector>

namespace lectio {

struct Batch {
    std::size_t letters = 0; // so many from the front go out with `message`
    Message message;
    bool merged = false;
};

struct MergePolicy {
    Duration after{120'000};   // older than this
    std::size_t more_than = 3; // or more than so many
};

// The next message to send of `waiting` (not empty). Of an incident only its end state is told, in the place
// of its last message; texts of people are kept whole, one under another.
Batch next_batch(const std::vector<Letter>& waiting, WallTime now, const MergePolicy& policy,
                 const Voice& voice);

} // namespace lectio

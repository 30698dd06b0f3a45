// Drift: what somebody has changed in a release since it came. Files that are carried for open pages are no change.
#pragma once

#include "platform/clock.h"
#include "release/part.h"
#include "release/shelf.h"
#include "util/result.h"

namespace lectio::release {

// How a tree is read so that only what the part counts is in it. The part outlives it.
TreeReading own_of(const Part& part);
// Reads every file of the release; `own`: what of its tree counts.
Result<TreeDifference> changes_by_hand(Shelf& shelf, const Release& release, const TreeReading& own,
                                       Clock& clock);

} // namespace lectio::release

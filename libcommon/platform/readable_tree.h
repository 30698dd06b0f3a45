// What a user of this host could not read of a folder and all below it, by owners and modes (access.h).
#pragma once

#include "platform/access.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "util/result.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace lectio {

// The first on the way from / to the folder that keeps the reader out of it. Links are followed.
std::optional<Obstacle> obstacle_to_entering(const Path& folder, const Reader& reader);

struct TreeReadability {
    std::uint64_t examined = 0;   // files, folders, links
    std::uint64_t unreadable = 0; // of these
    std::vector<Obstacle> first;  // of them, a few
};

// By descriptors, as every walk through a tree of others; a link is followed only as the reader would. What is no file, folder
// or link is nothing that anybody reads. The way to `root` is not looked at. timeout: not done by `until`, or the process is
// to end.
Result<TreeReadability> look_for_unreadable(const Path& root, const Reader& reader, Clock& clock,
                                            SteadyTime until);

} // namespace lectio

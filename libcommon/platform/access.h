// Whether a user of this host can reach and read a file, as the kernel would decide it by owners and modes.
#pragma once

#include "platform/files.h"
#include "platform/users.h"

#include <optional>

namespace lectio {

// What is in the way, the first on the path from /.
struct Obstacle {
    enum class Kind {
        missing,      // nothing there
        no_way_in,    // a folder without search permission for the user
        not_readable, // the file itself
        not_a_file,   // a folder, FIFO … where a file belongs
        empty,        // a file of 0 bytes
        cannot_look,  // we ourselves may not look, or a circle of links
    };
    Kind kind = Kind::missing;
    Path path;
    mode_t mode = 0; // permission bits of `path`, where it is there
};

// Follows links step by step: each folder on the way must let the user through. ACLs are not looked at. Without a
// user only that the file is there and not empty.
std::optional<Obstacle> obstacle_to_reading(const Path& file, const std::optional<User>& user);

} // namespace lectio

// Whether a user of this host can reach and read a file, as the kernel would decide it by owners and modes.
#pragma once

#include "platform/files.h"
#include "platform/users.h"

#include <optional>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace lectio {

// What is in the way, the first on the path from /.
struct Obstacle {
    enum class Kind {
        missing,      // nothing there
        no_way_in,    // a folder without search permission for the user
        not_readable, // the file itself
        not_a_file,   // a folder, FIFO … where a file belongs
        empty,        // a file of 0 bytes
        link_circle,  // links that lead to each other, or more than the kernel follows
        long_name,    // longer than any file's name can be
        too_large,    // by who reads it; not found out here
        cannot_look,  // we ourselves may not look
    };
    Kind kind = Kind::missing;
    Path path;
    mode_t mode = 0; // permission bits of `path`, where it is there
};

// Reads as a user of this host would. Its groups are looked up when a file is met whose mode gives its group another
// right than the rest, and then once.
class Reader {
  public:
    explicit Reader(User user, std::optional<std::vector<gid_t>> groups = std::nullopt)
        : m_user(std::move(user)), m_groups(std::move(groups)) {}

    bool may_read(const struct stat& info) const;
    bool may_search(const struct stat& info) const;

  private:
    bool may(const struct stat& info, mode_t wanted) const;
    bool in_group(gid_t group) const;

    User m_user;
    mutable std::optional<std::vector<gid_t>> m_groups;
};

// Follows links step by step: each folder on the way must let the reader through. ACLs are not looked at. Without a
// reader only that the file is there and not empty.
std::optional<Obstacle> obstacle_to_reading(const Path& file, const std::optional<Reader>& reader);

} // namespace lectio

// Files that a pattern of the configuration matches, looked at and changed by descriptors: nobody who may write there leads
// what is done to them elsewhere.
//
// The folder before the first wildcard is reached along trusted steps (platform/trusted_path.h). Below it no link is
// followed and nothing of what is mounted there is met. What was looked at is known again by its numbers and times:
// what has taken its name meanwhile is left alone.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/open_files.h"
#include "platform/remove_tree.h"
#include "util/result.h"
#include "util/unique_fd.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lectio {

struct MatchedFile {
    Path path; // for people, and what is known of it below the pattern's folder
    FileInfo::Type type = FileInfo::Type::other;
    dev_t device = 0;
    ino_t inode = 0;
    std::uint64_t names = 1; // hard links
    uid_t owner = 0;
    Bytes size;            // as ls shows it; of a folder that of all files below
    Bytes on_disk;         // that its removal frees; nothing of a file with other names
    WallTime modified;     // its content
    WallTime changed;      // anything of it: content, name, owner; of a folder the youngest of all below
    std::string in_use_by; // "nginx (812)"; empty: nobody holds it, or anything below
};

class MatchedFiles {
  public:
    // not_found: there is no such folder, so nothing matches.
    static Result<MatchedFiles> of(const std::string& pattern);

    // By path. Regular files, links themselves and folders; of sockets and the like nobody knows whether they are
    // wanted. A name that begins with a dot matches only where the pattern says so. Folders of systemd's and snap's
    // private /tmp are theirs. too_large: more names than anybody cleans up.
    [[nodiscard]] Result<std::vector<MatchedFile>> look(const OpenFiles& open) const;

    // A regular file that looks as it did then; `flags` as open(2) has them. busy: it is another by now, or has changed.
    [[nodiscard]] Result<UniqueFd> open(const MatchedFile& file, int flags) const;
    // The folder that it lies in, and that still holds it as it was.
    [[nodiscard]] Result<UniqueFd> folder_of(const MatchedFile& file) const;
    // Gone, a folder with all below it. busy: it has changed since, or something below is mounted.
    [[nodiscard]] Result<Removed> remove(const MatchedFile& file, const OpenFiles& open,
                                         const std::function<bool()>& may_go_on) const;

  private:
    class Walk;
    MatchedFiles(UniqueFd base, Path base_path, std::vector<std::string> parts);

    UniqueFd m_base; // O_PATH
    Path m_base_path;
    std::vector<std::string> m_parts; // of the pattern, below the base
};

} // namespace lectio

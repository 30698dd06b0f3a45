// The place of a folder tree that others own and read: copied beside, then exchanged in one step.
//
// Everything goes by descriptors, as in trees.h: who owns the folders can neither lead the copy to files of others nor
// have it written elsewhere. Until it is whole, the copy is a folder that nobody but us may enter.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/trees.h"
#include "util/result.h"
#include "util/unique_fd.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace lectio {

// A folder whose files are looked at below it, whatever is renamed or linked meanwhile; no link is followed.
class HeldFolder {
  public:
    // Along trusted steps only (platform/trusted_path.h).
    static Result<HeldFolder> hold(const Path& path);

    // `below`: from the folder, without ".."; empty: the folder itself.
    [[nodiscard]] Result<FileInfo> info(const Path& below) const;
    // Of a regular file of at most `limit`, as Files::read().
    [[nodiscard]] Result<std::string> read(const Path& below, Bytes limit) const;

  private:
    friend class TreePlace;
    HeldFolder(UniqueFd folder, Path shown) : m_folder(std::move(folder)), m_shown(std::move(shown)) {}
    UniqueFd m_folder; // O_PATH
    Path m_shown;
};

class TreePlace {
  public:
    // `path` need not be there, its parent folder must.
    static Result<TreePlace> at(const Path& path);

    // A copy of `source` beside the place, named `aside`, whole and on the disk; on an Error nothing of it stays.
    // Links are copied as links, what is neither file, folder nor link is left out, and so is what is mounted below.
    // A file with more names is copied only where nobody but its owner can have named it so (trees.h); else nothing
    // is. timeout: not done by `until`, or the process is to end. What a killed copy left behind is removed first.
    Result<HeldFolder> stage(const HeldFolder& source, const std::string& aside, const TreeRules& rules,
                             Clock& clock, SteadyTime until);
    // The staged copy takes the place, and what stood there has its name, in one step (renameat2(2),
    // RENAME_EXCHANGE). Where the file system does not know that: by three renames, of which the first is undone
    // when the second fails. With nothing in the place: one rename, and nothing has the name then.
    Result<void> exchange_with(const std::string& aside);
    // A staged copy that is not wanted after all.
    void discard(const std::string& aside);
    // Of the names beside the place that `is_one` the last `keep` in their order stay; the rest, and all below them, go.
    void keep_last(std::size_t keep, const std::function<bool(std::string_view name)>& is_one);

  private:
    TreePlace(UniqueFd parent, Path path) : m_parent(std::move(parent)), m_path(std::move(path)) {}
    [[nodiscard]] std::string hidden_name(std::string_view what) const;
    void sweep();
    [[nodiscard]] Result<void> by_three_renames(const std::string& aside) const;
    void sync_parent() const;

    UniqueFd m_parent; // O_PATH
    Path m_path;
};

} // namespace lectio

// ReleaseDisk: what a deploy does to the disk, in steps of which each is done whole or not at all, and durable when it
// returns. A test can stop the process at each of them.
//
// Every path is reached along trusted steps only (platform/trusted_path.h), and by descriptors below that: who owns the
// site can lead nothing of this elsewhere.
#pragma once

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/trees.h"
#include "util/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace lectio {

class ReleaseDisk {
  public:
    virtual ~ReleaseDisk() = default;

    // Adds to a file of ours behind its first `after` bytes, creating it (O_NOFOLLOW), in one write; fdatasync, the folder
    // too when it is new. What stands behind them goes: a write that a full disk or the power has cut.
    virtual Result<void> append_synced(const Path& file, Bytes after, std::string_view content,
                                       mode_t mode) = 0;

    // What the name is, without following it.
    struct Named {
        enum class Kind { nothing, folder, link, other };
        Kind kind = Kind::nothing;
        std::string target; // of a link, as it is written
    };
    virtual Result<Named> look_at(const Path& name) = 0;

    // A new symbolic link; what is there already is an Error (invalid).
    virtual Result<void> lay_link(const Path& name, const std::string& target) = 0;
    // `name` is a link to `target` from now on, in one rename(2): it is never absent. A folder there: Error.
    virtual Result<void> point(const Path& name, const std::string& target) = 0;
    // Both names stay, what they stand for changes places, in one step (renameat2(2), RENAME_EXCHANGE). invalid: this
    // file system has none of it (NFS, ZFS before 2.2).
    virtual Result<void> exchange(const Path& first, const Path& second) = 0;

    // For us alone (0700), its parents 0755; what is there already is an Error.
    virtual Result<void> make_folder(const Path& folder) = 0;
    // Onto a name that is free.
    virtual Result<void> move(const Path& from, const Path& to) = 0;
    // Everything below, not across mounts, no link followed. Not there: nothing to do.
    virtual Result<void> remove_tree(const Path& root) = 0;
    // All that was written to this file system (syncfs(2)).
    virtual Result<void> sync(const Path& folder) = 0;

    // Hard links of regular files: `from`/path becomes `to`/path, folders are made. Returns those that could not be linked.
    virtual Result<std::vector<std::string>> link_files(const Path& from, const Path& to,
                                                        const std::vector<std::string>& paths) = 0;
    // Symbolic links below `root`, where nothing may be yet; folders on the way are made as the owner of `root` has them.
    // As root, `root` itself becomes ours and sticky, its group may write: whose it was goes on making files there, and
    // cannot exchange the links, so that root may follow them (platform/trusted_path.h).
    struct NewLink {
        std::string path, target;
    };
    virtual Result<void> lay_links(const Path& root, const std::vector<NewLink>& links) = 0;
    // Sets the time of change of these regular files.
    virtual Result<void> touch(const Path& root, const std::vector<std::string>& paths, WallTime time) = 0;
    // Owner and modes of all below, and of the folder itself.
    virtual Result<TreeRepair> set_rights(const Path& root, const TreeRules& rules) = 0;

    // Free for whoever writes there now.
    struct Room {
        Bytes free;
        std::uint64_t inodes = 0; // 0 where the file system does not count them
    };
    virtual Result<Room> room(const Path& folder) = 0;
    // Names directly below `folder` in which a process has its working directory, its program or a mapped file.
    virtual Result<std::vector<std::string>> in_use(const Path& folder) = 0;
};

class SystemReleaseDisk final : public ReleaseDisk {
  public:
    Result<void> append_synced(const Path& file, Bytes after, std::string_view content, mode_t mode) override;
    Result<Named> look_at(const Path& name) override;
    Result<void> lay_link(const Path& name, const std::string& target) override;
    Result<void> point(const Path& name, const std::string& target) override;
    Result<void> exchange(const Path& first, const Path& second) override;
    Result<void> make_folder(const Path& folder) override;
    Result<void> move(const Path& from, const Path& to) override;
    Result<void> remove_tree(const Path& root) override;
    Result<void> sync(const Path& folder) override;
    Result<std::vector<std::string>> link_files(const Path& from, const Path& to,
                                                const std::vector<std::string>& paths) override;
    Result<void> lay_links(const Path& root, const std::vector<NewLink>& links) override;
    Result<void> touch(const Path& root, const std::vector<std::string>& paths, WallTime time) override;
    Result<TreeRepair> set_rights(const Path& root, const TreeRules& rules) override;
    Result<Room> room(const Path& folder) override;
    Result<std::vector<std::string>> in_use(const Path& folder) override;
};

} // namespace lectio

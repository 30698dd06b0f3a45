// Files: everything the suite does to its own files, in steps small enough that a test can fail each of them.
//
// Durable writing is composed from these steps by write_atomically() and never done otherwise (DESIGN rule
// 1). Large trees (permission repair, releases) have their own interface; this one is for state, outbox,
// markers, logs.
#pragma once

#include "platform/clock.h"
#include "util/result.h"
#include "util/unique_fd.h"
#include "util/units.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace lectio {

using Path = std::filesystem::path;

struct FileInfo {
    enum class Type { regular, folder, link, other };
    Type type = Type::other;
    Bytes size;
    mode_t mode = 0; // permission bits only
    uid_t owner = 0;
    gid_t group = 0;
    WallTime modified;
    dev_t device = 0;
    ino_t inode = 0;
};

// Held flock; free when this goes out of scope or the process dies. Children never inherit it.
class Lock {
  public:
    Lock() = default;
    explicit Lock(UniqueFd fd) : m_fd(std::move(fd)) {}
    [[nodiscard]] bool held() const { return m_fd.valid(); }
    void release() { m_fd.reset(); }

  private:
    UniqueFd m_fd;
};

class Files {
  public:
    virtual ~Files() = default;

    // Whole content of a regular file of at most `limit`; a FIFO, device, folder: invalid; larger: too_large.
    // Never blocks on a FIFO (O_NONBLOCK). Follows links.
    virtual Result<std::string> read(const Path& path, Bytes limit) = 0;
    // Bytes from `offset`, at most `limit`, of a regular file that may be growing: of a log, which often lies where
    // others write. Root follows a link that another user may have laid only to that user's own files (permission).
    virtual Result<std::string> read_from(const Path& path, Bytes offset, Bytes limit) = 0;
    // stat without following a link; `follow` for the target.
    enum class Follow { no, yes };
    virtual Result<FileInfo> info(const Path& path, Follow follow = Follow::no) = 0;
    // Names (not paths) in a folder, sorted; "." and ".." left out.
    virtual Result<std::vector<std::string>> list(const Path& folder) = 0;

    // A new file with this content, fsynced. O_EXCL and O_NOFOLLOW: never writes through what is there
    // already.
    virtual Result<void> create_synced(const Path& path, std::string_view content, mode_t mode) = 0;
    virtual Result<void> rename(const Path& from, const Path& to) = 0;
    virtual Result<void> sync_folder(const Path& folder) = 0;
    // Adds to the end of a log, creating it; O_NOFOLLOW. Not synced: a log line may be lost with the power.
    virtual Result<void> append(const Path& path, std::string_view content, mode_t mode) = 0;
    virtual Result<void> remove(const Path& path) = 0; // not_found is an error here; callers decide
    // The folder and its parents; an existing one is left as it is.
    virtual Result<void> make_folders(const Path& folder, mode_t mode) = 0;
    // A hard link: the previous state beside the new one without a moment in which neither is there.
    virtual Result<void> link(const Path& from, const Path& to) = 0;

    // flock LOCK_EX|LOCK_NB. Held elsewhere: busy, and the message says by whom and since when, from the
    // file's content {"pid","tool","since"}, which is written here after locking and is informational only.
    virtual Result<Lock> lock(const Path& path, std::string_view tool, WallTime now) = 0;
};

class SystemFiles final : public Files {
  public:
    Result<std::string> read(const Path& path, Bytes limit) override;
    Result<std::string> read_from(const Path& path, Bytes offset, Bytes limit) override;
    Result<FileInfo> info(const Path& path, Follow follow) override;
    Result<std::vector<std::string>> list(const Path& folder) override;
    Result<void> create_synced(const Path& path, std::string_view content, mode_t mode) override;
    Result<void> rename(const Path& from, const Path& to) override;
    Result<void> sync_folder(const Path& folder) override;
    Result<void> append(const Path& path, std::string_view content, mode_t mode) override;
    Result<void> remove(const Path& path) override;
    Result<void> make_folders(const Path& folder, mode_t mode) override;
    Result<void> link(const Path& from, const Path& to) override;
    Result<Lock> lock(const Path& path, std::string_view tool, WallTime now) override;
};

// Temporary file beside `path`, fsync, rename over it, fsync the folder. After a crash at any step `path`
// holds the old content whole or the new content whole; a leftover ".tmp-…" is swept by the next writer.
Result<void> write_atomically(Files& files, const Path& path, std::string_view content, mode_t mode);
// The same, and what is replaced stays under the name `previous` (in the same folder), by a hard link, so
// that there is no moment without a `path`, nor without a `previous` once there was one.
Result<void> write_atomically_keeping(Files& files, const Path& path, const Path& previous,
                                      std::string_view content, mode_t mode);

} // namespace lectio

// FaultyFiles: real files that fail, stop or lose power at a chosen call (in the manner of leveldb's
// fault_injection_test), so that every writer of state can be tried at each of its steps:
//
//     for (std::size_t step = 1;; ++step) {
//         TempFolder folder;                              // a fresh world each time
//         FaultyFiles files(folder.path());
//         … arrange …
//         files.crash_at(step);
//         const bool stopped = stopped_by_crash([&] { writer(files).save("{}"); });
//         files.power_cut();                              // or not: kill -9 loses nothing that was done
//         … a new run over a new FaultyFiles works, and sees the old or the new …
//         if (!stopped) { break; }                        // it got through: all steps were tried
//     }
#pragma once

#include "platform/files.h"

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace lectio {

// Thrown where the process is thought to die. Not a std::exception: no handler may swallow it.
struct Crash {};

template<class F>
bool stopped_by_crash(F&& act) {
    try {
        act();
        return false;
    } catch (const Crash&) {
        return true;
    }
}

class FaultyFiles final : public Files {
  public:
    // Everything under `root`; what a power cut may bring back is kept in a folder of its own, gone with
    // this.
    explicit FaultyFiles(const Path& root);
    ~FaultyFiles() override;
    FaultyFiles(const FaultyFiles&) = delete;
    FaultyFiles& operator=(const FaultyFiles&) = delete;

    // Counted from 1 and from now on, reading calls included. What fails does nothing.
    void fail_at(std::size_t call, int error_number);   // this call alone
    void fail_from(std::size_t call, int error_number); // this and all later ones: a disk that stays full
    // Every changing call below `folder` fails from now on, reading works: EROFS, ENOSPC.
    void fail_writing(int error_number, Path folder = "/");
    // This file cannot be read from now on.
    void fail_reading(int error_number, Path file);
    // The process dies in this call: half of what it writes is there, a rename, link or remove is not done.
    void crash_at(std::size_t call);
    void heal(); // no faults from now on
    // Calls since the last of the above.
    [[nodiscard]] std::size_t calls() const { return m_calls; }

    // Drops what was not made durable: names that were created, renamed, linked, removed since their folder
    // was last synced, in the order in which they were done, all but the first `survivors`; and whatever was
    // appended.
    void power_cut(std::size_t survivors = 0);
    [[nodiscard]] std::size_t unsynced() const { return m_pending.size(); }

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

  private:
    enum class Kind { reading, changing };
    enum class Step { go, die };
    // Counts the call; an Error when it must fail.
    Result<Step> enter(Kind kind, std::string_view what, const Path& path);

    struct Pending {
        std::vector<Path> folders; // still to be synced
        std::function<void()> undo;
    };
    void remember(std::vector<Path> folders, std::function<void()> undo);
    Path stash(const Path& path); // a copy by hard link, empty when there is nothing

    SystemFiles m_real;
    Path m_stash;
    std::size_t m_stashed = 0;
    std::vector<Pending> m_pending;
    static constexpr std::size_t k_never = std::numeric_limits<std::size_t>::max();
    std::size_t m_calls = 0, m_fail_first = k_never, m_fail_last = 0, m_crash_at = k_never;
    int m_error = 0;
    int m_writing_error = 0;
    Path m_unwritable;
    int m_reading_error = 0;
    Path m_unreadable;
};

} // namespace lectio

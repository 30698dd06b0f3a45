#include "support/faulty_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace lectio {
namespace fs = std::filesystem;

FaultyFiles::FaultyFiles(const Path& root) : m_stash(root.string() + ".stash-XXXXXX") {
    // Beside the root: the same file system, so that hard links are possible.
    std::string name = m_stash.string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no folder for the stash");
    }
    m_stash = name;
}

FaultyFiles::~FaultyFiles() {
    std::error_code ignored;
    fs::remove_all(m_stash, ignored);
}

void FaultyFiles::heal() {
    m_calls = 0;
    m_fail_first = m_crash_at = k_never;
    m_fail_last = 0;
    m_error = m_writing_error = m_reading_error = 0;
}

void FaultyFiles::fail_at(std::size_t call, int error_number) {
    heal();
    m_fail_first = m_fail_last = call;
    m_error = error_number;
}

void FaultyFiles::fail_from(std::size_t call, int error_number) {
    heal();
    m_fail_first = call;
    m_fail_last = k_never;
    m_error = error_number;
}

void FaultyFiles::fail_writing(int error_number, Path folder) {
    heal();
    m_unwritable = std::move(folder);
    m_writing_error = error_number;
}

void FaultyFiles::fail_reading(int error_number, Path file) {
    heal();
    m_unreadable = std::move(file);
    m_reading_error = error_number;
}

void FaultyFiles::crash_at(std::size_t call) {
    heal();
    m_crash_at = call;
}

Result<FaultyFiles::Step> FaultyFiles::enter(Kind kind, std::string_view what, const Path& path) {
    ++m_calls;
    if (m_calls == m_crash_at) {
        if (kind == Kind::reading) {
            throw Crash{};
        }
        return Step::die;
    }
    const std::string words = std::string(what) + " " + path.string() + " (injected)";
    if (m_calls >= m_fail_first && m_calls <= m_fail_last) {
        return errno_error(words, m_error);
    }
    if (kind == Kind::changing && m_writing_error != 0 && path.string().starts_with(m_unwritable.string())) {
        return errno_error(words, m_writing_error);
    }
    if (what == "read" && m_reading_error != 0 && path == m_unreadable) {
        return errno_error(words, m_reading_error);
    }
    return Step::go;
}

void FaultyFiles::remember(std::vector<Path> folders, std::function<void()> undo) {
    m_pending.push_back({std::move(folders), std::move(undo)});
}

Path FaultyFiles::stash(const Path& path) {
    const Path copy = m_stash / std::to_string(m_stashed++);
    std::error_code failed;
    fs::create_hard_link(path, copy, failed);
    return failed ? Path() : copy;
}

void FaultyFiles::power_cut(std::size_t survivors) {
    while (m_pending.size() > survivors) {
        m_pending.back().undo();
        m_pending.pop_back();
    }
    m_pending.clear();
}

Result<std::string> FaultyFiles::read(const Path& path, Bytes limit) {
    LECTIO_TRY(enter(Kind::reading, "read", path));
    return m_real.read(path, limit);
}

Result<std::string> FaultyFiles::read_from(const Path& path, Bytes offset, Bytes limit) {
    LECTIO_TRY(enter(Kind::reading, "read", path));
    return m_real.read_from(path, offset, limit);
}

Result<FileInfo> FaultyFiles::info(const Path& path, Follow follow) {
    LECTIO_TRY(enter(Kind::reading, "examine", path));
    return m_real.info(path, follow);
}

Result<std::vector<std::string>> FaultyFiles::list(const Path& folder) {
    LECTIO_TRY(enter(Kind::reading, "list", folder));
    return m_real.list(folder);
}

Result<void> FaultyFiles::create_synced(const Path& path, std::string_view content, mode_t mode) {
    const Result<Step> step = enter(Kind::changing, "create", path);
    LECTIO_TRY(step);
    const bool torn = *step == Step::die;
    const Result<void> created =
        m_real.create_synced(path, torn ? content.substr(0, content.size() / 2) : content, mode);
    if (created) {
        remember({path.parent_path()}, [path] { fs::remove(path); });
    }
    if (torn) {
        throw Crash{};
    }
    return created;
}

Result<void> FaultyFiles::rename(const Path& from, const Path& to) {
    const Result<Step> step = enter(Kind::changing, "rename", from);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    const Path replaced = stash(to);
    std::error_code ignored;
    const bool same = fs::equivalent(from, to, ignored); // then rename does nothing
    Result<void> renamed = m_real.rename(from, to);
    if (renamed && !same) {
        remember({from.parent_path(), to.parent_path()}, [from, to, replaced] {
            fs::rename(to, from);
            if (!replaced.empty()) {
                fs::create_hard_link(replaced, to);
            }
        });
    }
    return renamed;
}

Result<void> FaultyFiles::sync_folder(const Path& folder) {
    const Result<Step> step = enter(Kind::changing, "sync", folder);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    LECTIO_TRY(m_real.sync_folder(folder));
    for (Pending& pending : m_pending) {
        std::erase(pending.folders, folder);
    }
    std::erase_if(m_pending, [](const Pending& pending) { return pending.folders.empty(); });
    return {};
}

Result<void> FaultyFiles::append(const Path& path, std::string_view content, mode_t mode) {
    const Result<Step> step = enter(Kind::changing, "append to", path);
    LECTIO_TRY(step);
    const bool torn = *step == Step::die;
    std::error_code absent;
    const std::uintmax_t before = fs::file_size(path, absent);
    const Result<void> appended =
        m_real.append(path, torn ? content.substr(0, content.size() / 2) : content, mode);
    if (appended) {
        // No folder's sync makes this durable: it is never synced.
        remember({"appended"}, [path, existed = !absent, before] {
            existed ? fs::resize_file(path, before) : static_cast<void>(fs::remove(path));
        });
    }
    if (torn) {
        throw Crash{};
    }
    return appended;
}

Result<void> FaultyFiles::remove(const Path& path) {
    const Result<Step> step = enter(Kind::changing, "remove", path);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    const Path copy = stash(path);
    Result<void> removed = m_real.remove(path);
    if (removed && !copy.empty()) {
        remember({path.parent_path()}, [path, copy] { fs::create_hard_link(copy, path); });
    }
    return removed;
}

Result<void> FaultyFiles::make_folders(const Path& folder, mode_t mode) {
    const Result<Step> step = enter(Kind::changing, "make the folder", folder);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    return m_real.make_folders(folder, mode);
}

Result<void> FaultyFiles::link(const Path& from, const Path& to) {
    const Result<Step> step = enter(Kind::changing, "link", from);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    Result<void> linked = m_real.link(from, to);
    if (linked) {
        remember({to.parent_path()}, [to] { fs::remove(to); });
    }
    return linked;
}

Result<Lock> FaultyFiles::lock(const Path& path, std::string_view tool, WallTime now) {
    const Result<Step> step = enter(Kind::changing, "lock", path);
    LECTIO_TRY(step);
    if (*step == Step::die) {
        throw Crash{};
    }
    return m_real.lock(path, tool, now);
}

} // namespace lectio

#include "store/kept_state.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr mode_t k_private = 0700;

// One name for each user and each home: suites side by side do not share a memory.
std::string name_in_memory(const Path& home, uid_t us) {
    std::string name = home.lexically_normal().string();
    std::replace(name.begin(), name.end(), '/', '%');
    return fmt::format("lectio-{}{}", us, name);
}

} // namespace

KeptState::KeptState(Files& files, const Places& places, int schema, uid_t us, std::string_view rows)
    : m_files(files), m_us(us), m_home(files, places.home, schema, us, rows) {
    const Path last = places.memory / name_in_memory(places.home, us);
    m_stopgaps.push_back({places.run, StateFile(files, places.run, schema, us, rows), Stopgap::Parent::ours});
    m_stopgaps.push_back({last, StateFile(files, last, schema, us, rows), Stopgap::Parent::anybodys});
}

std::vector<KeptState::Found> KeptState::load(WallTime now, StateFile::Access access) {
    std::vector<Found> found;
    found.push_back({m_home.load(now, access), {}});
    for (Stopgap& stopgap : m_stopgaps) {
        if (is_safe(stopgap)) {
            LoadedState state = stopgap.file.load(now, access);
            if (!state.text.empty()) {
                found.push_back({std::move(state), stopgap.folder});
            }
        }
    }
    return found;
}

KeptState::SaveResult KeptState::save(std::string_view object) {
    if (const Result<void> saved = m_home.save(object); !saved) {
        return {save_to_a_stopgap(object) ? Saved::stopgap : Saved::nowhere, saved.error()};
    }
    for (Stopgap& stopgap : m_stopgaps) {
        if (is_safe(stopgap)) {
            stopgap.file.forget();
        }
    }
    return {};
}

bool KeptState::save_to_a_stopgap(std::string_view object) {
    return std::any_of(m_stopgaps.begin(), m_stopgaps.end(),
                       [&](Stopgap& stopgap) { return make(stopgap) && stopgap.file.save(object).ok(); });
}

// In a folder where everybody may create (with the sticky bit) nobody can replace what is ours, but anybody can
// have been there first: a folder or link of somebody else's is neither read nor written.
bool KeptState::is_safe(const Stopgap& stopgap) const {
    const Result<FileInfo> info = m_files.info(stopgap.folder);
    if (!info || stopgap.parent == Stopgap::Parent::ours) {
        return info.ok();
    }
    return info->type == FileInfo::Type::folder && info->owner == m_us && (info->mode & 0077U) == 0;
}

bool KeptState::make(const Stopgap& stopgap) const {
    // A host without /dev/shm is not given one.
    const bool possible = stopgap.parent == Stopgap::Parent::ours ||
                          m_files.info(stopgap.folder.parent_path(), Files::Follow::yes).ok();
    return possible && m_files.make_folders(stopgap.folder, k_private).ok() && is_safe(stopgap);
}

} // namespace lectio

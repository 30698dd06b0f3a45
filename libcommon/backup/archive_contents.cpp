// Of the archive what is only read: who asks how things stand links none of what makes and proves backups.
#include "backup/archive.h"
#include "platform/files.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lectio::backup {
namespace {

template<class Fits>
const Backup* newest_where(const std::vector<Backup>& oldest_first, WallTime now, const Fits& fits) {
    const Backup* newest = nullptr;
    for (const Backup& backup : oldest_first) {
        if (fits(backup) &&
            (newest == nullptr || !is_to_come(backup.time, now) || is_to_come(newest->time, now))) {
            newest = &backup;
        }
    }
    return newest;
}

} // namespace

const Backup* Archive::Contents::find(std::string_view id) const {
    const auto found = std::find_if(backups.begin(), backups.end(), [&](const Backup& backup) {
        return backup.id == id || backup.stem() == id;
    });
    return found == backups.end() ? nullptr : &*found;
}

std::vector<Backup> Archive::Contents::of(std::string_view source) const {
    std::vector<Backup> all;
    std::copy_if(backups.begin(), backups.end(), std::back_inserter(all),
                 [&](const Backup& backup) { return backup.source == source; });
    return all;
}

const Backup* Archive::Contents::newest(std::string_view source, std::optional<WallTime> at) const {
    return newest_where(backups, at.value_or(read_at), [&](const Backup& backup) {
        return backup.source == source && backup.counts() && (!at || backup.time <= *at);
    });
}

const Backup* Archive::Contents::newest_away(std::string_view source) const {
    return newest_where(backups, read_at, [&](const Backup& backup) {
        return backup.source == source && backup.away.has_value();
    });
}

const Backup* Archive::Contents::last(std::string_view source) const {
    return newest_where(backups, read_at, [&](const Backup& backup) { return backup.source == source; });
}

std::vector<Backup> Archive::Contents::to_come(std::string_view source) const {
    std::vector<Backup> all;
    std::copy_if(backups.begin(), backups.end(), std::back_inserter(all), [&](const Backup& backup) {
        return backup.source == source && is_to_come(backup.time, read_at);
    });
    return all;
}

Result<Archive::Contents> Archive::contents() {
    return read(m_settings.dir);
}

Result<Archive::Contents> Archive::read(const Path& folder) {
    Contents contents;
    contents.read_at = m_world.clock.now().wall;
    const Result<std::vector<std::string>> names = m_world.files.list(folder);
    if (!names) {
        return names.error().kind == ErrorKind::not_found ? Result<Contents>(contents) : names.error();
    }
    for (const std::string& name : *names) {
        if (!name.ends_with(".json") || name.starts_with('.')) {
            continue;
        }
        const Result<std::string> text = m_world.files.read(folder / name, k_longest_manifest);
        Result<Backup> backup = text ? backup_from_json(*text) : text.error();
        if (!backup || backup->manifest_name() != name) {
            contents.unreadable.push_back(name);
            continue;
        }
        const bool has_file = std::find(names->begin(), names->end(), backup->file_name()) != names->end();
        if (!has_file) {
            contents.missing.push_back(backup->id);
        }
        contents.backups.push_back(std::move(*backup));
    }
    std::sort(contents.backups.begin(), contents.backups.end(), [](const Backup& a, const Backup& b) {
        return a.time != b.time ? a.time < b.time : a.id < b.id;
    });
    if (folder == m_settings.dir) { // without its file it is no backup; tidy() knows what to do with it
        std::erase_if(contents.backups, [&](const Backup& backup) {
            const auto& missing = contents.missing;
            return backup.trashed || std::find(missing.begin(), missing.end(), backup.id) != missing.end();
        });
    }
    return contents;
}

} // namespace lectio::backup

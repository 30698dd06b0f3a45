#include "release/shelf.h"

#include "util/text.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <unistd.h>

namespace lectio::release {
namespace {

constexpr Bytes k_largest_record = 24_MB; // carries up to 100,000 names
constexpr Bytes k_largest_manifest = 256_MB;
constexpr Bytes k_largest_journal = 16_MB;
constexpr mode_t k_for_us = 0600;
constexpr mode_t k_folder_for_us = 0700;
constexpr mode_t k_folder_to_read = 0755;
constexpr std::string_view k_incoming = ".incoming-";
constexpr std::string_view k_replaced = "replaced.", k_left = "left."; // beside a snapshot
constexpr std::string_view k_record = ".json";
constexpr std::string_view k_journal = ".journal";

// Names in a folder with this ending, that are ids of this kind without it.
Result<std::vector<std::string>> ids_in(Files& files, const Path& folder, std::string_view ending,
                                        Kind kind) {
    const Result<std::vector<std::string>> names = files.list(folder);
    if (!names) {
        return names.error().kind == ErrorKind::not_found
                   ? Result<std::vector<std::string>>(std::vector<std::string>{})
                   : names.error();
    }
    std::vector<std::string> ids;
    for (const std::string& name : *names) {
        const std::string id = name.ends_with(ending) ? name.substr(0, name.size() - ending.size()) : "";
        if (is_id(id) && kind_of_id(id) == kind) {
            ids.push_back(id);
        }
    }
    return ids;
}

bool is_of_a_person(const std::string& name) {
    return name.starts_with(k_replaced) || name.starts_with(k_left);
}

Result<void> remove_if_there(Files& files, const Path& path) {
    const Result<void> removed = files.remove(path);
    return !removed && removed.error().kind == ErrorKind::not_found ? Result<void>{} : removed;
}

} // namespace

Shelf::Shelf(Files& files, ReleaseDisk& disk, Places places)
    : m_files(files), m_disk(disk), m_places(std::move(places)) {}

Path Shelf::journal(const std::string& id) const {
    return m_places.state / "journal" / (id + std::string(k_journal));
}

Path Shelf::lines(const std::string& id) const {
    return m_places.state / "journal" / (id + ".lines");
}

Path Shelf::record(const std::string& id) const {
    return m_places.state / "releases" / (id + std::string(k_record));
}

Path Shelf::manifest_file(const std::string& id) const {
    return m_places.state / "releases" / (id + ".manifest");
}

Path Shelf::snapshot(const std::string& id) const {
    return m_places.state / "snapshots" / id;
}

Path Shelf::scratch() const {
    return m_places.state / "scratch";
}

Result<void> Shelf::prepare() {
    LECTIO_TRY(m_files.make_folders(m_places.state / "journal", k_folder_for_us));
    LECTIO_TRY(m_files.make_folders(m_places.state / "releases", k_folder_for_us));
    LECTIO_TRY(m_files.make_folders(m_places.state / "snapshots", k_folder_for_us));
    LECTIO_TRY(m_files.make_folders(m_places.releases, k_folder_to_read));
    const Result<FileInfo> info = m_files.info(m_places.releases, Files::Follow::no);
    LECTIO_TRY(info);
    constexpr mode_t k_others_write = 0022;
    if (info->type != FileInfo::Type::folder || info->owner != ::geteuid() ||
        (info->mode & k_others_write) != 0) {
        return Error{ErrorKind::permission,
                     fmt::format("{} is not a folder of ours that nobody else may write to: move it away",
                                 clean_line(m_places.releases.string()))};
    }
    return {};
}

Result<Shelf::Records> Shelf::records() {
    const Result<std::vector<std::string>> ids =
        ids_in(m_files, m_places.state / "releases", k_record, m_places.kind);
    LECTIO_TRY(ids);
    Records records;
    for (const std::string& id : *ids) {
        const Result<std::string> text = m_files.read(record(id), k_largest_record);
        LECTIO_TRY(text);
        Result<Release> release = release_from_json(*text);
        if (release && release->id == id) {
            records.releases.push_back(std::move(*release));
        } else {
            records.unreadable.push_back(id);
        }
    }
    return records;
}

Result<void> Shelf::keep(const Release& release) {
    return write_atomically(m_files, record(release.id), to_json(release), k_for_us);
}

Result<void> Shelf::keep(const std::string& id, const TreeManifest& manifest) {
    return write_atomically(m_files, manifest_file(id), format_manifest(manifest), k_for_us);
}

Result<TreeManifest> Shelf::manifest(const std::string& id) {
    const Result<std::string> text = m_files.read(manifest_file(id), k_largest_manifest);
    LECTIO_TRY(text);
    return parse_manifest(*text);
}

Result<void> Shelf::remove(const std::string& id) {
    LECTIO_TRY(m_disk.remove_tree(tree(id)));
    LECTIO_TRY(remove_snapshot(id));
    LECTIO_TRY(remove_if_there(m_files, manifest_file(id)));
    LECTIO_TRY(remove_if_there(m_files, record(id)));
    // A record that the power brings back would count as a good release, and has no files.
    return m_files.sync_folder(m_places.state / "releases");
}

Result<void> Shelf::remove_snapshot(const std::string& id) {
    const Path folder = snapshot(id);
    const Result<std::vector<std::string>> names = m_files.list(folder);
    if (!names || std::none_of(names->begin(), names->end(), is_of_a_person)) {
        return m_disk.remove_tree(folder);
    }
    for (const std::string& name : *names) {
        if (!is_of_a_person(name)) {
            LECTIO_TRY(m_disk.remove_tree(folder / name));
        }
    }
    return {};
}

Result<std::vector<Shelf::LeftToAPerson>> Shelf::left_to_a_person() {
    const Path snapshots = m_places.state / "snapshots";
    const Result<std::vector<std::string>> ids = ids_in(m_files, snapshots, "", m_places.kind);
    LECTIO_TRY(ids);
    std::vector<LeftToAPerson> all;
    for (const std::string& id : *ids) {
        const Result<FileInfo> owned = m_files.info(record(id), Files::Follow::no);
        const Result<bool> is_under_way = is_of_a_deploy_under_way(id);
        LECTIO_TRY(is_under_way);
        if (!owned && owned.error().kind == ErrorKind::not_found && !*is_under_way) {
            all.push_back({snapshot(id), size_of(snapshot(id))});
            continue;
        }
        const Result<std::vector<std::string>> names = m_files.list(snapshot(id));
        LECTIO_TRY(names);
        for (const std::string& name : *names) {
            if (is_of_a_person(name)) {
                all.push_back({snapshot(id) / name, size_of(snapshot(id) / name)});
            }
        }
    }
    return all;
}

Result<bool> Shelf::is_of_a_deploy_under_way(const std::string& id) {
    const Result<Past> past = journal_of(id);
    return past                                        ? Result<bool>(past->standing.is_open())
           : past.error().kind == ErrorKind::not_found ? Result<bool>(false)
                                                       : past.error();
}

// As far as it can be seen.
Bytes Shelf::size_of(const Path& path) {
    const Result<FileInfo> info = m_files.info(path, Files::Follow::no);
    if (!info || info->type != FileInfo::Type::folder) {
        return info ? info->size : Bytes{};
    }
    const Result<std::vector<std::string>> names = m_files.list(path);
    Bytes all;
    for (const std::string& name : names ? *names : std::vector<std::string>{}) {
        all.count += size_of(path / name).count;
    }
    return all;
}

Path Shelf::before_reverse(const std::string& id) const {
    return snapshot(id) / (std::string(k_replaced) + "before-reverse");
}

Path Shelf::incoming(const std::string& id) const {
    return m_places.releases / (std::string(k_incoming) + id);
}

Result<std::vector<std::string>> Shelf::incoming_ids() {
    Result<std::vector<std::string>> names = m_files.list(m_places.releases);
    LECTIO_TRY(names);
    std::vector<std::string> ids;
    for (const std::string& name : *names) {
        const std::string id = name.starts_with(k_incoming) ? name.substr(k_incoming.size()) : "";
        if (is_id(id) && kind_of_id(id) == m_places.kind) {
            ids.push_back(id);
        }
    }
    return ids;
}

Result<Shelf::Served> Shelf::served() {
    const Result<ReleaseDisk::Named> named = m_disk.look_at(m_places.served);
    LECTIO_TRY(named);
    using Found = ReleaseDisk::Named::Kind;
    if (named->kind == Found::nothing) {
        return Served{};
    }
    if (named->kind == Found::folder) {
        return Served{Served::Kind::folder, {}, {}};
    }
    const std::string id = Path(named->target).filename().string();
    const bool ours = named->kind == Found::link && is_id(id) && kind_of_id(id) == m_places.kind &&
                      named->target == target_of(id);
    return ours ? Served{Served::Kind::release, id, named->target}
                : Served{Served::Kind::foreign, {}, named->target};
}

std::string Shelf::target_of(const std::string& id) const {
    const bool beside = m_places.releases.parent_path() == m_places.served.parent_path();
    return ((beside ? m_places.releases.filename() : m_places.releases) / id).string();
}

Result<Shelf::Past> Shelf::journal_of(const std::string& id) {
    const Result<std::string> text = m_files.read(journal(id), k_largest_journal);
    LECTIO_TRY(text);
    Past past{id, parse_journal(*text), {}};
    past.standing = standing_of(past.text.entries);
    return past;
}

Result<std::vector<Shelf::Past>> Shelf::journals() {
    const Result<std::vector<std::string>> ids =
        ids_in(m_files, m_places.state / "journal", k_journal, m_places.kind);
    LECTIO_TRY(ids);
    std::vector<Past> all;
    for (const std::string& id : *ids) {
        Result<Past> past = journal_of(id);
        LECTIO_TRY(past);
        all.push_back(std::move(*past));
    }
    return all;
}

Result<void> Shelf::forget_journal(const std::string& id) {
    LECTIO_TRY(remove_if_there(m_files, lines(id)));
    return remove_if_there(m_files, journal(id));
}

} // namespace lectio::release

// What a manifest says of files, apart from what packs them: who only reads manifests links no libarchive.
#include "backup/files_snapshot.h"
#include "backup/manifest.h"
#include "util/json_members.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

} // namespace

Json json_of(const FilesSnapshot& snapshot) {
    Json paths = Json::array();
    for (const Path& path : snapshot.paths) {
        paths.push_back(path.string());
    }
    return manifest_of(head_of(snapshot), "files",
                       {{"files", snapshot.files},
                        {"paths", paths},
                        {"unsteady", snapshot.unsteady},
                        {"changed", snapshot.changed}});
}

Result<FilesSnapshot> files_snapshot_from(const Json& json) {
    const Error none{ErrorKind::invalid, "this is no manifest of a snapshot of files"};
    FilesSnapshot snapshot;
    const Result<ManifestHead> head = head_from(json, "files");
    if (!head || integer_of(json, "files") < 0 || integer_of(json, "unsteady") < 0) {
        return none;
    }
    take_over(*head, snapshot);
    for (const auto& [key, paths] : {std::pair{"paths", true}, std::pair{"changed", false}}) {
        const auto list = json.find(key);
        if (list == json.end() || !list->is_array()) {
            return none;
        }
        for (const Json& one : *list) {
            const std::string text = one.is_string() ? one.get<std::string>() : std::string();
            const Path path(text);
            const bool leads_on =
                path.is_absolute() && path == path.lexically_normal() && path.has_filename();
            if (paths && !leads_on) {
                return none;
            }
            paths ? void(snapshot.paths.push_back(path)) : snapshot.changed.push_back(text);
        }
    }
    snapshot.files = static_cast<std::uint64_t>(integer_of(json, "files"));
    snapshot.unsteady = static_cast<std::uint64_t>(integer_of(json, "unsteady"));
    return snapshot;
}

} // namespace lectio::backup

// What a manifest says of files, apart from what packs them: who only reads manifests links no libarchive.
#include "backup/files_snapshot.h"
#include "util/json_members.h"

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
constexpr std::size_t k_sum_length = 64;

} // namespace

Json json_of(const FilesSnapshot& snapshot) {
    Json paths = Json::array();
    for (const Path& path : snapshot.paths) {
        paths.push_back(path.string());
    }
    return {{"schema", k_schema},
            {"type", "files"},
            {"taken", format_utc(snapshot.taken)},
            {"duration_ms", snapshot.took.count()},
            {"made_with", snapshot.made_with},
            {"size", snapshot.file.size.count},
            {"sha256", snapshot.file.sha256},
            {"files", snapshot.files},
            {"paths", paths},
            {"unsteady", snapshot.unsteady},
            {"changed", snapshot.changed}};
}

Result<FilesSnapshot> files_snapshot_from(const Json& json) {
    const Error none{ErrorKind::invalid, "this is no manifest of a snapshot of files"};
    FilesSnapshot snapshot;
    const Result<WallTime> taken = parse_utc(text_of(json, "taken"));
    snapshot.file.sha256 = text_of(json, "sha256");
    if (integer_of(json, "schema") != k_schema || text_of(json, "type") != "files" || !taken ||
        snapshot.file.sha256.size() != k_sum_length || integer_of(json, "size") <= 0 ||
        integer_of(json, "files") < 0 || integer_of(json, "unsteady") < 0) {
        return none;
    }
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
    snapshot.taken = *taken;
    snapshot.took = Duration(integer_of(json, "duration_ms"));
    snapshot.made_with = text_of(json, "made_with");
    snapshot.file.size.count = static_cast<std::uint64_t>(integer_of(json, "size"));
    snapshot.files = static_cast<std::uint64_t>(integer_of(json, "files"));
    snapshot.unsteady = static_cast<std::uint64_t>(integer_of(json, "unsteady"));
    return snapshot;
}

} // namespace lectio::backup

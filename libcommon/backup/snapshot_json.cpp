// What a manifest says of a snapshot, apart from what takes and proves one: who only reads manifests links no libarchive.
#include "backup/snapshot.h"
#include "util/json_members.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr std::string_view k_list_extension = "restic";

} // namespace

WallTime taken(const Snapshot& snapshot) {
    return std::visit([](const auto& one) { return one.taken; }, snapshot);
}

const FileDigest& plain_file(const Snapshot& snapshot) {
    return std::visit([](const auto& one) -> const FileDigest& { return one.file; }, snapshot);
}

bool is_in_repository(const Snapshot& snapshot) {
    return std::holds_alternative<ResticSnapshot>(snapshot);
}

bool is_list_of_repository(std::string_view file_name) {
    return file_name.ends_with("." + std::string(k_list_extension) + ".zst"); // `encrypt` is not for it
}

Bytes content_of(const Snapshot& snapshot) {
    const auto* restic = std::get_if<ResticSnapshot>(&snapshot);
    return restic != nullptr ? restic->content : plain_file(snapshot).size;
}

const std::vector<Path>* paths_of(const Snapshot& snapshot) {
    if (const auto* files = std::get_if<FilesSnapshot>(&snapshot)) {
        return &files->paths;
    }
    const auto* restic = std::get_if<ResticSnapshot>(&snapshot);
    return restic != nullptr ? &restic->paths : nullptr;
}

std::string_view type_of(const Snapshot& snapshot) {
    constexpr std::array<std::string_view, std::variant_size_v<Snapshot>> k_types{
        "sqlite", "files", "postgres", "redis", "exec", "files"};
    return k_types.at(snapshot.index());
}

std::string_view extension(const Snapshot& snapshot) {
    if (is_in_repository(snapshot)) {
        return k_list_extension;
    }
    if (std::holds_alternative<RedisSnapshot>(snapshot)) {
        return "rdb";
    }
    if (const auto* exec = std::get_if<ExecSnapshot>(&snapshot)) {
        return exec->extension;
    }
    return std::holds_alternative<snapshots::SqliteSnapshot>(snapshot) ? "sqlite3" : "tar";
}

nlohmann::json json_of(const Snapshot& snapshot) {
    return std::visit([](const auto& one) { return json_of(one); }, snapshot); // each of its own kind
}

Result<Snapshot> snapshot_from(const nlohmann::json& json) {
    if (text_of(json, "type") == "files") {
        Result<FilesSnapshot> files = files_snapshot_from(json);
        LECTIO_TRY(files);
        return Snapshot(std::move(*files));
    }
    if (text_of(json, "type") == "restic") {
        Result<ResticSnapshot> restic = restic_snapshot_from(json);
        LECTIO_TRY(restic);
        return Snapshot(std::move(*restic));
    }
    if (text_of(json, "type") == "postgres") {
        Result<PostgresSnapshot> dump = postgres_snapshot_from(json);
        LECTIO_TRY(dump);
        return Snapshot(std::move(*dump));
    }
    if (text_of(json, "type") == "redis") {
        Result<RedisSnapshot> redis = redis_snapshot_from(json);
        LECTIO_TRY(redis);
        return Snapshot(std::move(*redis));
    }
    if (text_of(json, "type") == "exec") {
        Result<ExecSnapshot> exec = exec_snapshot_from(json);
        LECTIO_TRY(exec);
        return Snapshot(std::move(*exec));
    }
    Result<snapshots::SqliteSnapshot> database = snapshots::sqlite_snapshot_from(json);
    LECTIO_TRY(database);
    return Snapshot(std::move(*database));
}

} // namespace lectio::backup

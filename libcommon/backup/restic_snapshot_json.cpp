// What a manifest says of files in a repository of restic's, and what restic itself prints.
#include "backup/manifest.h"
#include "backup/restic_snapshot.h"
#include "util/json_depth.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_id_length = 64; // SHA-256, in hexadecimal digits
constexpr std::size_t k_longest_name = 200;

bool is_hexadecimal(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint64_t count_of(const Json& json, const char* key) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(integer_of(json, key), 0));
}

std::optional<std::vector<std::string>> texts_of(const Json& json, const char* key) {
    const auto list = json.find(key);
    if (list == json.end() || !list->is_array()) {
        return std::nullopt;
    }
    std::vector<std::string> texts;
    for (const Json& one : *list) {
        texts.push_back(one.is_string() ? one.get<std::string>() : std::string());
    }
    return texts;
}

bool leads_on(const Path& path) {
    return path.is_absolute() && path == path.lexically_normal() && path.has_filename();
}

} // namespace

Json json_of(const ResticSnapshot& snapshot) {
    std::vector<std::string> paths;
    for (const Path& path : snapshot.paths) {
        paths.push_back(path.string());
    }
    return manifest_of(head_of(snapshot), "restic",
                       {{"snapshot", snapshot.id},
                        {"files", snapshot.files},
                        {"content_size", snapshot.content.count},
                        {"added_size", snapshot.added.count},
                        {"paths", paths},
                        {"unread", snapshot.unread},
                        {"missing", snapshot.missing}});
}

Result<ResticSnapshot> restic_snapshot_from(const Json& json) {
    const Error none{ErrorKind::invalid, "this is no manifest of a snapshot of restic's"};
    const Result<ManifestHead> head = head_from(json, "restic");
    if (!head) {
        return none;
    }
    ResticSnapshot snapshot;
    take_over(*head, snapshot);
    snapshot.id = text_of(json, "snapshot");
    const auto paths = texts_of(json, "paths");
    const auto missing = texts_of(json, "missing");
    if (!is_hexadecimal(snapshot.id) || snapshot.id.size() != k_id_length || !paths || !missing) {
        return none;
    }
    for (const std::string& path : *paths) {
        if (!leads_on(path)) {
            return none;
        }
        snapshot.paths.emplace_back(path);
    }
    snapshot.files = count_of(json, "files");
    snapshot.content = Bytes{count_of(json, "content_size")};
    snapshot.added = Bytes{count_of(json, "added_size")};
    snapshot.unread = count_of(json, "unread");
    snapshot.missing = *missing;
    return snapshot;
}

Result<ResticSummary> summary_of(std::string_view out) {
    for (const std::string_view line : split_lines(out)) {
        const Json json = json_within_depth(line);
        if (text_of(json, "message_type") != "summary" || !is_hexadecimal(text_of(json, "snapshot_id"))) {
            continue;
        }
        return ResticSummary{text_of(json, "snapshot_id"), count_of(json, "total_files_processed"),
                             Bytes{count_of(json, "total_bytes_processed")},
                             Bytes{count_of(json, "data_added")}};
    }
    return Error{ErrorKind::invalid, "restic does not say what it has made"};
}

ResticComplaints complaints_of(std::string_view err) {
    ResticComplaints complaints;
    for (const std::string_view line : split_lines(trim(err))) {
        const Json json = line.starts_with('{') ? json_within_depth(line) : Json();
        if (text_of(json, "message_type") == "error") {
            complaints.files.push_back(shorten(clean_line(text_of(json, "item")), k_longest_name));
        } else {
            complaints.words.push_back(shorten(clean_line(line), k_longest_name));
        }
    }
    return complaints;
}

std::string id_in_list(std::string_view first_line) {
    const Json json = json_within_depth(first_line);
    const std::string id = text_of(json, "id");
    const bool is_snapshot = text_of(json, "struct_type") == "snapshot";
    return is_snapshot && id.size() == k_id_length && is_hexadecimal(id) ? id : std::string();
}

} // namespace lectio::backup

#include "backup/manifest.h"

#include "util/json_members.h"

#include <cstdint>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

constexpr int k_schema = 1;
constexpr std::size_t k_sum_length = 64; // of SHA-256, in hexadecimal digits

} // namespace

nlohmann::json manifest_of(const ManifestHead& head, std::string_view type, const nlohmann::json& more) {
    nlohmann::json json{{"schema", k_schema},
                        {"type", type},
                        {"taken", format_utc(head.taken)},
                        {"duration_ms", head.took.count()},
                        {"made_with", head.made_with},
                        {"size", head.file.size.count},
                        {"sha256", head.file.sha256}};
    json.update(more);
    return json;
}

Result<ManifestHead> head_from(const nlohmann::json& json, std::string_view type) {
    const Result<WallTime> taken = parse_utc(text_of(json, "taken"));
    ManifestHead head;
    head.file.sha256 = text_of(json, "sha256");
    if (integer_of(json, "schema") != k_schema || text_of(json, "type") != type || !taken ||
        head.file.sha256.size() != k_sum_length || integer_of(json, "size") <= 0) {
        return Error{ErrorKind::invalid, "this is no manifest of such a snapshot"};
    }
    head.taken = *taken;
    head.took = Duration(integer_of(json, "duration_ms"));
    head.made_with = text_of(json, "made_with");
    head.file.size.count = static_cast<std::uint64_t>(integer_of(json, "size"));
    return head;
}

} // namespace lectio::backup

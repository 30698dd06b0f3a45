// What a manifest says of a snapshot of Redis, apart from what takes and proves one (snapshot_json.cpp).
#include "backup/redis_snapshot.h"
#include "util/json_members.h"
#include "util/number.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

constexpr int k_schema = 1;
constexpr std::size_t k_sum_length = 64;

} // namespace

Json json_of(const RedisSnapshot& snapshot) {
    Json keys = Json::object();
    for (const auto& [number, count] : snapshot.facts.keys) {
        keys[std::to_string(number)] = count;
    }
    const RdbFacts& facts = snapshot.facts;
    return {{"schema", k_schema},
            {"type", "redis"},
            {"taken", format_utc(snapshot.taken)},
            {"duration_ms", snapshot.took.count()},
            {"made_with", snapshot.made_with},
            {"via", snapshot.via},
            {"size", snapshot.file.size.count},
            {"sha256", snapshot.file.sha256},
            {"format", facts.format},
            {"keys", keys},
            {"checksum", facts.has_checksum},
            {"understood", facts.understood},
            {"modules", facts.modules},
            {"server", facts.server},
            {"memory", facts.memory.count},
            {"created", facts.created},
            {"dump", snapshot.place.dump.string()},
            {"append_only", snapshot.place.append_only.string()}};
}

Result<RedisSnapshot> redis_snapshot_from(const Json& json) {
    const Error none{ErrorKind::invalid, "this is no manifest of a snapshot of Redis"};
    RedisSnapshot snapshot;
    const Result<WallTime> taken = parse_utc(text_of(json, "taken"));
    snapshot.file.sha256 = text_of(json, "sha256");
    RdbFacts& facts = snapshot.facts;
    facts.format = static_cast<int>(integer_of(json, "format"));
    if (integer_of(json, "schema") != k_schema || text_of(json, "type") != "redis" || !taken ||
        snapshot.file.sha256.size() != k_sum_length || integer_of(json, "size") <= 0 || facts.format < 1 ||
        integer_of(json, "memory") < 0) {
        return none;
    }
    const Json keys = object_of(json, "keys");
    for (const auto& [name, count] : keys.items()) {
        const auto number = number_from<int>(name);
        if (!number || *number < 0 || !count.is_number_unsigned()) {
            return none;
        }
        facts.keys[*number] = count.get<std::uint64_t>();
    }
    for (const auto& [key, path] :
         {std::pair{"dump", &snapshot.place.dump}, std::pair{"append_only", &snapshot.place.append_only}}) {
        *path = text_of(json, key);
        const bool leads_on =
            path->is_absolute() && *path == path->lexically_normal() && path->has_filename();
        if (!path->empty() && !leads_on) {
            return none;
        }
    }
    snapshot.taken = *taken;
    snapshot.took = Duration(integer_of(json, "duration_ms"));
    snapshot.made_with = text_of(json, "made_with");
    snapshot.via = text_of(json, "via");
    snapshot.file.size.count = static_cast<std::uint64_t>(integer_of(json, "size"));
    facts.has_checksum = flag_of(json, "checksum");
    facts.understood = flag_of(json, "understood");
    facts.modules = flag_of(json, "modules");
    facts.server = text_of(json, "server");
    facts.memory.count = static_cast<std::uint64_t>(integer_of(json, "memory"));
    facts.created = integer_of(json, "created");
    return snapshot;
}

} // namespace lectio::backup

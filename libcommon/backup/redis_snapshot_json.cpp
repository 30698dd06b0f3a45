// What a manifest says of a snapshot of Redis, apart from what takes and proves one (snapshot_json.cpp).
#include "backup/manifest.h"
#include "backup/redis_snapshot.h"
#include "util/json_members.h"
#include "util/number.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::backup {
namespace {

using Json = nlohmann::json;

} // namespace

Json json_of(const RedisSnapshot& snapshot) {
    Json keys = Json::object();
    for (const auto& [number, count] : snapshot.facts.keys) {
        keys[std::to_string(number)] = count;
    }
    const RdbFacts& facts = snapshot.facts;
    return manifest_of(head_of(snapshot), "redis",
                       {{"via", snapshot.via},
                        {"format", facts.format},
                        {"keys", keys},
                        {"checksum", facts.has_checksum},
                        {"understood", facts.understood},
                        {"modules", facts.modules},
                        {"server", facts.server},
                        {"memory", facts.memory.count},
                        {"created", facts.created},
                        {"dump", snapshot.place.dump.string()},
                        {"append_only", snapshot.place.append_only.string()}});
}

Result<RedisSnapshot> redis_snapshot_from(const Json& json) {
    const Error none{ErrorKind::invalid, "this is no manifest of a snapshot of Redis"};
    RedisSnapshot snapshot;
    RdbFacts& facts = snapshot.facts;
    facts.format = static_cast<int>(integer_of(json, "format"));
    const Result<ManifestHead> head = head_from(json, "redis");
    if (!head || facts.format < 1 || integer_of(json, "memory") < 0) {
        return none;
    }
    take_over(*head, snapshot);
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
    snapshot.via = text_of(json, "via");
    facts.has_checksum = flag_of(json, "checksum");
    facts.understood = flag_of(json, "understood");
    facts.modules = flag_of(json, "modules");
    facts.server = text_of(json, "server");
    facts.memory.count = static_cast<std::uint64_t>(integer_of(json, "memory"));
    facts.created = integer_of(json, "created");
    return snapshot;
}

} // namespace lectio::backup

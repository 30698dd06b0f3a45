#include "bot/bot_memory.h"

#include "util/json_members.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr std::size_t k_most_begun = 20; // far more than may be under way

// Version 0.1 knew of one only, which stood there without a list around it.
Json list_of(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found == json.end() ? Json::array() : found->is_array() ? *found : Json::array({*found});
}

Json write(const BotMemory& memory) {
    Json json{{"next", memory.next},
              {"heard", milliseconds_of(memory.heard)},
              {"updated", milliseconds_of(memory.updated)},
              {"name", memory.name},
              {"introduced", memory.introduced},
              {"introduced_at", milliseconds_of(memory.introduced_at)}};
    for (const BotMemory::Begun& begun : memory.begun) {
        json["begun"].push_back({{"chat", begun.chat},
                                 {"message", begun.message},
                                 {"words", begun.words},
                                 {"command", begun.command},
                                 {"by", begun.by},
                                 {"tries", begun.tries},
                                 {"title", begun.title},
                                 {"text", begun.text},
                                 {"maybe_said", begun.maybe_said}});
    }
    if (memory.deaf_since) {
        json["deaf_since"] = milliseconds_of(*memory.deaf_since);
        json["deaf_told"] = memory.deaf_told;
    }
    return json;
}

BotMemory read(const Json& json) {
    BotMemory memory;
    memory.next = integer_of(json, "next");
    memory.heard = time_of(json, "heard");
    memory.updated = json.contains("updated") ? time_of(json, "updated") : memory.heard;
    memory.name = text_of(json, "name");
    memory.introduced = text_of(json, "introduced");
    memory.introduced_at = time_of(json, "introduced_at");
    for (const Json& begun : list_of(json, "begun")) {
        if (begun.is_object() && memory.begun.size() < k_most_begun) {
            const std::int64_t tries = std::clamp<std::int64_t>(integer_of(begun, "tries"), 1, k_most_begun);
            memory.begun.push_back({integer_of(begun, "chat"), integer_of(begun, "message"),
                                    text_of(begun, "words"), text_of(begun, "command"), text_of(begun, "by"),
                                    static_cast<int>(tries), text_of(begun, "title"), text_of(begun, "text"),
                                    flag_of(begun, "maybe_said")});
        }
    }
    if (json.contains("deaf_since")) {
        memory.deaf_since = time_of(json, "deaf_since");
        memory.deaf_told = flag_of(json, "deaf_told");
    }
    return memory;
}

} // namespace

std::string to_json(const BotMemories& memories) {
    Json bots = Json::object();
    for (const auto& [bot, memory] : memories) {
        bots[bot] = write(memory);
    }
    return Json{{"bots", bots}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

BotMemories bot_memories_from_json(std::string_view text) {
    BotMemories memories;
    const Json json = Json::parse(text, nullptr, false);
    const Json bots = object_of(json, "bots");
    for (const auto& [bot, memory] : bots.items()) {
        if (memory.is_object()) {
            memories[bot] = read(memory);
        }
    }
    return memories;
}

} // namespace lectio

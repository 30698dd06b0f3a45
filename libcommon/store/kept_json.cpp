#include "store/kept_json.h"

#include "util/json_members.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace lectio {

using Json = nlohmann::json;

namespace {

constexpr std::int64_t k_farthest_ms = 253'402'300'800'000; // the year 10000

bool is_number(const Json& json, const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer();
}

Duration bounded(std::int64_t milliseconds) {
    return Duration(std::clamp(milliseconds, -k_farthest_ms, k_farthest_ms));
}

} // namespace

Json json_of(const Now& now) {
    return {{"wall_ms", milliseconds_of(now.wall)}, {"boot_ms", now.boot.count()}, {"boot_id", now.boot_id}};
}

std::optional<Now> now_of(const Json& json) {
    const bool whole = json.is_object() && is_number(json, "wall_ms") && is_number(json, "boot_ms") &&
                       json.contains("boot_id") && json["boot_id"].is_string() &&
                       integer_of(json, "wall_ms") > 0;
    return whole ? std::optional(Now{WallTime(bounded(integer_of(json, "wall_ms"))),
                                     bounded(integer_of(json, "boot_ms")), text_of(json, "boot_id")})
                 : std::nullopt;
}

void put(Json& object, const char* key, const std::optional<WallTime>& time) {
    if (time) {
        object[key] = format_utc(*time);
    }
}

std::optional<WallTime> moment_of(const Json& object, const char* key) {
    const Result<WallTime> time = parse_utc(text_of(object, key));
    return time ? std::optional(*time) : std::nullopt;
}

Json json_of(const Text& text) {
    return Json::array({text.en, text.ru});
}

Text both_of(const Json& object, const char* key) {
    const auto pair = object.is_object() ? object.find(key) : object.end();
    const bool whole = pair != object.end() && pair->is_array() && pair->size() == 2 &&
                       (*pair)[0].is_string() && (*pair)[1].is_string();
    return whole ? Text{(*pair)[0].get<std::string>(), (*pair)[1].get<std::string>()} : Text{};
}

} // namespace lectio

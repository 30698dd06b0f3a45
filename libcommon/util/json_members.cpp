#include "util/json_members.h"

#include <nlohmann/json.hpp>

namespace lectio {

using Json = nlohmann::json;

std::string text_of(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t integer_of(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool flag_of(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_boolean() && found->get<bool>();
}

Json object_of(const Json& json, const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found != json.end() && found->is_object() ? *found : Json::object();
}

std::int64_t milliseconds_of(JsonTime time) {
    return time.time_since_epoch().count();
}

JsonTime time_of(const Json& json, const char* key) {
    return JsonTime(std::chrono::milliseconds(integer_of(json, key)));
}

} // namespace lectio

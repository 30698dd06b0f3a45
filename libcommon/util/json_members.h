// Members of a JSON object that somebody else wrote, or a disk has kept: what is absent or of another type is empty.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

// `json` may be anything: what is no object has no members.
std::string text_of(const nlohmann::json& json, const char* key);
std::int64_t integer_of(const nlohmann::json& json, const char* key);
bool flag_of(const nlohmann::json& json, const char* key);
nlohmann::json object_of(const nlohmann::json& json, const char* key);

// Times stand in our files as milliseconds since 1970.
using JsonTime = std::chrono::sys_time<std::chrono::milliseconds>;
std::int64_t milliseconds_of(JsonTime time);
JsonTime time_of(const nlohmann::json& json, const char* key);

} // namespace lectio

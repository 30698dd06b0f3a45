// What more than one of our files holds, written and read the same way in each. A file may be damaged: see what is none.
#pragma once

#include "platform/clock.h"
#include "words/phrase.h"

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

nlohmann::json json_of(const Now& now);
// Bounded by the year 10000, both ways, so that differences of two of them do not overflow. None: `json` is no such
// object, or a time before 1970.
std::optional<Now> now_of(const nlohmann::json& json);

// A member that is a moment as people read it, "2026-11-22T16:45:01Z"; where there is none the member is not there.
void put(nlohmann::json& object, const char* key, const std::optional<WallTime>& time);
// None where it is absent or no such text.
std::optional<WallTime> moment_of(const nlohmann::json& object, const char* key);

// A text in both languages as [English, Russian].
nlohmann::json json_of(const Text& text);
// The member `key` of an object; empty where it is not such a pair.
Text both_of(const nlohmann::json& object, const char* key);

} // namespace lectio

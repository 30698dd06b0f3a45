// Values that steps hand on: saved from one answer, put into later requests.
#pragma once

#include "config/smoke.h"
#include "platform/http.h"

#include <map>
#include <string>
#include <string_view>

namespace lectio {

// By name; as JSON text, so that a number stays one.
using Values = std::map<std::string, std::string>;

// The value as text: of a JSON text without its quotes.
std::string text_of(const std::string& value);

// In a path or URL: percent-encoded, unless the whole target is one value, which is then a path or a URL itself.
std::string put_in_target(std::string_view target, const Values& values);
std::string put_in_text(std::string_view text, const Values& values);
// In texts of a JSON text; one that is nothing but {name} becomes the value as it was saved.
std::string put_in_json(const std::string& json, const Values& values);

// What of `save` the answer has.
Values saved_values(const std::map<std::string, JsonText>& save, const HttpAnswer& answer);

} // namespace lectio

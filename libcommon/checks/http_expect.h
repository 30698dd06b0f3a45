// What an answer holds against what was expected of it: shared by whoever asks over HTTP.
#pragma once

#include "checks/check.h"
#include "platform/http.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lectio {

// What is wrong; nothing where it is as expected.
using Wrong = std::optional<CheckResult>;
Wrong critical(Text message, const HttpAnswer& answer); // the body's beginning as evidence

// `agrees`: whether the value seen is what is expected.
Wrong wrong_header(const HttpAnswer& answer, const std::string& name, const std::string& expected,
                   bool (*agrees)(std::string_view seen, std::string_view expected));
Wrong wrong_text(const HttpAnswer& answer, const std::vector<std::string>& contains,
                 const std::vector<std::string>& not_contains);
Wrong wrong_pattern(const HttpAnswer& answer, const std::vector<std::string>& matches);

// The body as JSON: UTF-8, not nested deeper than 100 (CONTRACT 9).
Wrong parse_body(const HttpAnswer& answer, nlohmann::json& json);
// nullptr where the pointer leads nowhere.
const nlohmann::json* value_at(const nlohmann::json& json, const std::string& pointer);
// `expected`: JSON text.
Wrong wrong_value(const HttpAnswer& answer, const nlohmann::json& json, const std::string& pointer,
                  const std::string& expected);
Wrong missing_value(const HttpAnswer& answer, const std::string& pointer);
std::string shown(const nlohmann::json& value); // on one line, cut

bool is_html(const HttpAnswer& answer); // by its own words: a content type is often wrong
// The page's title, on one line; empty: it has none.
std::string title_of(const HttpAnswer& answer);

// "redirected: 302 http://site/ → …".
Text hops_words(const HttpAnswer& answer);
// ok, or a warning where a complete answer took longer than `max_time` (0: no such limit).
CheckResult judge_time(const HttpAnswer& answer, Duration max_time);

} // namespace lectio

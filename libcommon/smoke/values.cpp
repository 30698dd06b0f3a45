#include "smoke/values.h"

#include "checks/http_expect.h"
#include "util/pattern.h"
#include "util/text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// RFC 3986, 2.3: what needs no encoding in a segment of a path.
bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

std::string percent_encoded(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        is_unreserved(c) ? encoded += c : encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return encoded;
}

template<class Encode>
std::string replaced(std::string_view text, const Values& values, const Encode& encode) {
    std::string result;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t close = text[at] == '{' ? text.find_first_of("{}", at + 1) : std::string_view::npos;
        const bool closed = close != std::string_view::npos && text[close] == '}';
        const auto value =
            closed ? values.find(std::string(text.substr(at + 1, close - at - 1))) : values.end();
        if (value == values.end()) {
            result += text[at++];
        } else {
            result += encode(text_of(value->second));
            at = close + 1;
        }
    }
    return result;
}

// `text` is nothing but {name}, and there is such a value.
const std::string* whole_value(std::string_view text, const Values& values) {
    if (text.size() < 3 || !text.starts_with('{') || !text.ends_with('}')) {
        return nullptr;
    }
    const auto value = values.find(std::string(text.substr(1, text.size() - 2)));
    return value == values.end() ? nullptr : &value->second;
}

void put_into(Json& json, const Values& values) {
    if (json.is_string()) {
        const std::string text = json.get<std::string>();
        const std::string* whole = whole_value(text, values);
        json = whole != nullptr ? Json::parse(*whole, nullptr, false) : Json(put_in_text(text, values));
    } else if (json.is_structured()) {
        for (Json& item : json) {
            put_into(item, values);
        }
    }
}

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// nullptr becomes no value: an API says null where there is none.
std::optional<std::string> saved_value(const SavedFrom& from, const HttpAnswer& answer, const Json& json) {
    switch (from.kind) {
    case SavedFrom::Kind::pointer: {
        const Json* value = json.is_discarded() ? nullptr : value_at(json, from.what);
        return value == nullptr || value->is_null() ? std::nullopt : std::optional(dumped(*value));
    }
    case SavedFrom::Kind::header: {
        const std::string* value = answer.header(to_lower_ascii(from.what));
        return value == nullptr ? std::nullopt : std::optional(dumped(Json(*value)));
    }
    case SavedFrom::Kind::pattern: {
        const Result<Pattern> pattern = Pattern::compile(from.what);
        const Result<std::optional<std::string>> caught =
            pattern ? pattern->capture(answer.body) : pattern.error();
        return caught && *caught ? std::optional(dumped(Json(**caught))) : std::nullopt;
    }
    }
    return std::nullopt;
}

} // namespace

std::string text_of(const std::string& value) {
    const Json json = Json::parse(value, nullptr, false);
    return json.is_string() ? json.get<std::string>() : value;
}

std::string put_in_target(std::string_view target, const Values& values) {
    const std::string* whole = whole_value(target, values);
    return whole != nullptr ? text_of(*whole) : replaced(target, values, percent_encoded);
}

std::string put_in_text(std::string_view text, const Values& values) {
    return replaced(text, values, [](const std::string& value) { return value; });
}

std::string put_in_json(const std::string& json, const Values& values) {
    Json parsed = Json::parse(json, nullptr, false);
    put_into(parsed, values);
    return dumped(parsed);
}

Values saved_values(const std::map<std::string, JsonText>& save, const HttpAnswer& answer) {
    Values values;
    Json json = Json::value_t::discarded;
    if (!save.empty() && parse_body(answer, json)) {
        json = Json(Json::value_t::discarded); // headers and patterns need none
    }
    for (const auto& [name, written] : save) {
        const Result<SavedFrom> from = saved_from(written);
        if (std::optional<std::string> value = from ? saved_value(*from, answer, json) : std::nullopt) {
            values[name] = std::move(*value);
        }
    }
    return values;
}

} // namespace lectio

#include "discovery/found_check.h"

#include "util/json_depth.h"
#include "util/text.h"
#include "util/units.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

constexpr Duration k_remembered = std::chrono::hours(24 * 7);
constexpr Duration k_refreshed = std::chrono::hours(1);
constexpr int k_schema = 2; // 1 knew of ports 80 and 443 only; it is looked for afresh
constexpr int k_deepest = 10;
constexpr std::size_t k_most_checks = 500;
constexpr std::size_t k_longest_name = 60; // leaves room for a number behind it

bool is_one_line(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

std::optional<std::string> line_in(const Json& json, const char* key) {
    const auto found = json.find(key);
    const bool good =
        found != json.end() && found->is_string() && is_one_line(found->get_ref<const std::string&>());
    return good ? std::optional(found->get<std::string>()) : std::nullopt;
}

std::vector<std::string> lines_in(const Json& json, const char* key) {
    std::vector<std::string> lines;
    const auto found = json.find(key);
    for (const Json& each : found != json.end() && found->is_array() ? *found : Json::array()) {
        if (each.is_string() && is_one_line(each.get_ref<const std::string&>())) {
            lines.push_back(each.get<std::string>());
        }
    }
    return lines;
}

std::optional<FoundCheck> check_from(const Json& json) {
    if (!json.is_object()) {
        return std::nullopt;
    }
    FoundCheck check;
    check.name = line_in(json, "name").value_or("");
    check.about = line_in(json, "about").value_or("");
    check.type = line_in(json, "type").value_or("");
    check.needs = lines_in(json, "needs");
    check.why = {line_in(json, "en").value_or(""), line_in(json, "ru").value_or("")};
    check.settled = json.value("settled", Json()) == true;
    check.gone = json.value("gone", Json()) == "wish" ? FoundCheck::Gone::wish : FoundCheck::Gone::fault;
    const std::vector<std::string> keys = lines_in(json, "keys");
    const std::vector<std::string> values = lines_in(json, "values");
    const Result<WallTime> seen = parse_utc(line_in(json, "last_seen").value_or(""));
    if (!is_name(check.name) || check.about.empty() || !is_name(check.type) || keys.size() != values.size() ||
        !seen ||
        !std::all_of(keys.begin(), keys.end(), [](const std::string& key) { return is_name(key); })) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        check.keys.emplace_back(keys[i], values[i]);
    }
    check.last_seen = *seen;
    return check;
}

Json json_of(const FoundCheck& check) {
    Json keys = Json::array();
    Json values = Json::array();
    for (const auto& [key, value] : check.keys) {
        keys.push_back(key);
        values.push_back(value);
    }
    return Json{{"name", check.name},
                {"about", to_utf8(check.about)},
                {"type", check.type},
                {"keys", std::move(keys)},
                {"values", std::move(values)},
                {"needs", check.needs},
                {"en", to_utf8(check.why.en)},
                {"ru", to_utf8(check.why.ru)},
                {"settled", check.settled},
                {"gone", check.gone == FoundCheck::Gone::wish ? "wish" : "fault"},
                {"last_seen", format_utc(check.last_seen)}};
}

// The time is written again only when it matters: not every run has something to write.
WallTime time_of_sight(FoundCheck seen, const FoundCheck* before, WallTime now) {
    if (before == nullptr || before->last_seen > now || now - before->last_seen >= k_refreshed) {
        return now;
    }
    seen.last_seen = before->last_seen;
    return seen == *before ? before->last_seen : now;
}

} // namespace

std::string toml_text(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : to_utf8(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            quoted += fmt::format("\\u{:04X}", byte);
        } else {
            quoted += c;
        }
    }
    return quoted + '"';
}

std::string toml_list(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    quoted.reserve(texts.size());
    for (const std::string& text : texts) {
        quoted.push_back(toml_text(text));
    }
    return fmt::format("[{}]", fmt::join(quoted, ", "));
}

const FoundCheck* Discovered::find(std::string_view about) const {
    const auto found = std::find_if(checks.begin(), checks.end(),
                                    [&](const FoundCheck& check) { return check.about == about; });
    return found == checks.end() ? nullptr : &*found;
}

std::string name_from(std::string_view text) {
    std::string name;
    for (const char c : to_lower_ascii(text)) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        const bool begins = name.empty() && (c == '_' || c == '-');
        const bool repeats = !allowed && name.ends_with('-');
        if (!begins && !repeats && (allowed || !name.empty())) {
            name += allowed ? c : '-';
        }
    }
    name = name.substr(0, k_longest_name);
    name.erase(name.find_last_not_of('-') + 1);
    return name.empty() ? "found" : name;
}

void give_names(Discovered& seen, const Discovered& known) {
    std::set<std::string> taken;
    std::vector<FoundCheck*> nameless; // those that have a name already come first
    for (FoundCheck& check : seen.checks) {
        const FoundCheck* before = known.find(check.about);
        if (before != nullptr && taken.insert(before->name).second) {
            check.name = before->name;
        } else {
            nameless.push_back(&check);
        }
    }
    for (FoundCheck* check : nameless) {
        const std::string wanted = name_from(check->name);
        check->name = wanted;
        for (int number = 2; !taken.insert(check->name).second; ++number) {
            check->name = fmt::format("{}-{}", wanted, number);
        }
    }
}

Discovered remember(const Discovered& known, Discovered seen, WallTime now,
                    const std::function<bool(const FoundCheck&)>& is_meant) {
    const std::size_t present = seen.checks.size();
    for (const FoundCheck& before : known.checks) {
        const bool forgotten = now - before.last_seen >= k_remembered;
        if (seen.find(before.about) == nullptr && !forgotten && !is_meant(before)) {
            seen.checks.push_back(before);
            // Of the future is what was seen before the clock was set back: as good as just now.
            seen.checks.back().last_seen = std::min(before.last_seen, now);
        }
    }
    give_names(seen, known);
    for (std::size_t i = 0; i < present; ++i) {
        FoundCheck& check = seen.checks[i];
        check.last_seen = time_of_sight(check, known.find(check.about), now);
    }
    return seen;
}

std::string to_json(const Discovered& discovered) {
    Json checks = Json::array();
    for (const FoundCheck& check : discovered.checks) {
        checks.push_back(json_of(check));
    }
    return Json{{"schema", k_schema}, {"checks", std::move(checks)}}.dump() + "\n";
}

Discovered discovered_from_json(std::string_view text) {
    Discovered discovered;
    const Json json = json_depth(text) > k_deepest ? Json() : Json::parse(text, nullptr, false);
    const auto checks = json.is_object() ? json.find("checks") : json.end();
    if (!json.is_object() || checks == json.end() || !checks->is_array() ||
        json.value("schema", Json()) != k_schema) {
        return discovered;
    }
    for (const Json& each : *checks) {
        std::optional<FoundCheck> check = check_from(each);
        if (check && discovered.find(check->about) == nullptr && discovered.checks.size() < k_most_checks) {
            discovered.checks.push_back(std::move(*check));
        }
    }
    return discovered;
}

} // namespace lectio

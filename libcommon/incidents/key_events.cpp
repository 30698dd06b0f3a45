#include "incidents/key_events.h"

#include "incidents/ids.h"
#include "incidents/key_type.h"
#include "incidents/rules.h"
#include "util/json_members.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

// A job that fails each night is one incident, however late it is in a night.
constexpr Duration k_silent_after = 26h;
constexpr std::size_t k_longest_text =
    1000; // characters, for lectio-health's messages; all of it is in alerts.log
constexpr std::size_t k_slug = 50;
constexpr int k_most_times = 1'000'000;

constexpr Phrase k_more_within{"{} within {}", "{} за {}"};
constexpr Phrase k_again_and_again{"{} (told {})", "{} (уже {})"};
constexpr Noun k_more{"more time", "more times", "раз", "раза", "раз"};
constexpr Phrase k_more_times{"{}", "ещё {}"};
constexpr Phrase k_over{"over: {}", "прошло: {}"};
constexpr Noun k_times{"time", "times", "раз", "раза", "раз"};
// In the accusative: "за минуту", "за 2 минуты".
constexpr Noun k_minutes{"minute", "minutes", "минуту", "минуты", "минут"};
constexpr Noun k_hours{"hour", "hours", "час", "часа", "часов"};
constexpr Noun k_days{"day", "days", "день", "дня", "дней"};
constexpr Phrase k_the_minute{"a minute", "минуту"};
constexpr Phrase k_the_hour{"the hour", "час"};
constexpr Phrase k_the_day{"a day", "день"};

constexpr std::array<std::pair<KeyLevel, std::string_view>, 4> k_levels{{
    {KeyLevel::over, "over"},
    {KeyLevel::info, "info"},
    {KeyLevel::warning, "warning"},
    {KeyLevel::critical, "critical"},
}};

std::string_view word_of(KeyLevel level) {
    return k_levels.at(static_cast<std::size_t>(level)).second;
}

std::optional<KeyLevel> level_of(std::string_view word) {
    for (const auto& [level, name] : k_levels) {
        if (name == word) {
            return level;
        }
    }
    return std::nullopt;
}

std::optional<KeyEvent> event_of(const Dropped& dropped) {
    const Json json = Json::parse(dropped.content, nullptr, false);
    const std::optional<KeyLevel> level = level_of(text_of(json, "level"));
    KeyEvent event;
    event.key = text_of(json, "key");
    event.incident = text_of(json, "incident");
    event.level = level.value_or(KeyLevel::warning);
    event.time = time_of(json, "time_ms");
    event.told = flag_of(json, "told");
    event.title = text_of(json, "title");
    event.text = text_of(json, "text");
    event.file = dropped.name;
    const bool whole = text_of(json, "event") == "key" && level && !event.key.empty() &&
                       !event.incident.empty() && event.time != WallTime{};
    return whole ? std::optional(std::move(event)) : std::nullopt;
}

KnownKey* find(std::vector<KnownKey>& keys, std::string_view key) {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const KnownKey& it) { return it.key == key; });
    return found == keys.end() ? nullptr : &*found;
}

KnownKey begun_by(const KeyEvent& event) {
    KnownKey key;
    key.key = event.key;
    key.incident = event.incident;
    key.since = event.time;
    return key;
}

Status status_of(KeyLevel level) {
    return level == KeyLevel::critical ? Status::critical : Status::warning;
}

// Either way: a clock that was set back makes nothing wait until it has caught up.
bool is_near(WallTime time, WallTime now, Duration window) {
    return std::chrono::abs(now - time) < window;
}

std::optional<KnownKey> told_by_words(std::string_view key, const std::vector<LastWord>& words) {
    const std::string check = check_of_key(key);
    for (const LastWord& word : words) {
        if (word.check == check && !is_over(word.event)) {
            KnownKey known;
            known.key = key;
            known.incident = word.id;
            known.level = word.level == Status::critical ? KeyLevel::critical : KeyLevel::warning;
            known.was = known.level;
            known.told = known.level;
            known.since = word.since;
            known.last = word.time;
            known.told_at = word.time;
            known.times = 1;
            known.title = word.summary;
            return known;
        }
    }
    return std::nullopt;
}

Text span_words(Duration span) {
    const auto count = [&](Duration unit) { return (span + unit / 2) / unit; };
    const auto one_or = [](std::int64_t number, const Phrase& one, const Noun& many) {
        return number <= 1 ? say(one) : counted(number, many);
    };
    if (span < 59min + 30s) {
        return one_or(count(1min), k_the_minute, k_minutes);
    }
    return span < 36h ? one_or(count(1h), k_the_hour, k_hours) : one_or(count(24h), k_the_day, k_days);
}

const LastWord* find_word(const std::vector<LastWord>& words, const std::string& id) {
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const LastWord& word) { return word.id == id; });
    return found == words.end() ? nullptr : &*found;
}

Text title_of(const KnownKey& key) {
    return verbatim(key.title.empty() ? key.key : key.title);
}

Text title_and_count(const KnownKey& key) {
    return key.times > 1 ? say(k_again_and_again, title_of(key), counted(key.times, k_times)) : title_of(key);
}

void describe(IncidentState& incident, const KnownKey& key) {
    incident.message = title_and_count(key);
    incident.evidence = key.text;
    incident.key = key.key;
}

IncidentState& open_for(JudgeState& state, const KnownKey& key) {
    const CheckPolicy check = policy_of_key(key);
    IncidentState incident;
    incident.id = key.incident;
    incident.subject = check.name;
    incident.check = check.name;
    incident.type = check.type;
    incident.level = status_of(key.was);
    incident.since = {key.since, {}, {}};
    state.checks[check.name].type = check.type;
    return state.incidents.emplace_back(std::move(incident));
}

Json json_of(const KnownKey& key) {
    Json json{{"key", key.key},
              {"incident", key.incident},
              {"level", word_of(key.level)},
              {"was", word_of(key.was)},
              {"since_ms", milliseconds_of(key.since)},
              {"last_ms", milliseconds_of(key.last)},
              {"told", word_of(key.told)},
              {"times", key.times},
              {"untold", key.untold},
              {"title", key.title},
              {"text", key.text}};
    if (key.told_at) {
        json["told_ms"] = milliseconds_of(*key.told_at);
    }
    return json;
}

std::optional<KnownKey> known_key_of(const Json& json) {
    const std::optional<KeyLevel> level = level_of(text_of(json, "level"));
    if (!level || text_of(json, "key").empty() || text_of(json, "incident").empty()) {
        return std::nullopt;
    }
    const auto times = [&](const char* key) {
        return static_cast<int>(std::clamp<std::int64_t>(integer_of(json, key), 0, k_most_times));
    };
    KnownKey key{text_of(json, "key"),
                 text_of(json, "incident"),
                 *level,
                 level_of(text_of(json, "was")).value_or(KeyLevel::info),
                 time_of(json, "since_ms"),
                 time_of(json, "last_ms"),
                 std::nullopt,
                 level_of(text_of(json, "told")).value_or(KeyLevel::info),
                 times("times"),
                 times("untold"),
                 text_of(json, "title"),
                 text_of(json, "text")};
    if (json.contains("told_ms")) {
        key.told_at = time_of(json, "told_ms");
    }
    return key;
}

} // namespace

std::string to_json(const std::vector<KnownKey>& keys) {
    Json rows = Json::array();
    for (const KnownKey& key : keys) {
        rows.push_back(json_of(key));
    }
    return rows.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<KnownKey> keys_from_json(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    std::vector<KnownKey> keys;
    for (const Json& row : json.is_array() ? json : Json::array()) {
        std::optional<KnownKey> key = known_key_of(row);
        if (key && keys.size() < k_most_keys && find(keys, key->key) == nullptr) {
            keys.push_back(std::move(*key));
        }
    }
    return keys;
}

Result<void> leave(DropFolder folder, const KeyEvent& event) {
    const std::int64_t stamp = event.time.time_since_epoch().count();
    const Json json{{"event", "key"},
                    {"key", event.key},
                    {"incident", event.incident},
                    {"level", word_of(event.level)},
                    {"time_ms", stamp},
                    {"told", event.told},
                    {"title", shorten(event.title, k_longest_text)},
                    {"text", shorten(event.text, k_longest_text)}};
    const std::string content = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    // Two calls within a millisecond are two.
    return folder.drop(
        fmt::format("{:016}-{}-{}", stamp, check_of_key(event.key), base32_id(stable_hash(content))),
        content);
}

std::vector<KeyEvent> left_key_events(const DropFolder& folder) {
    std::vector<KeyEvent> events;
    for (const Dropped& dropped : folder.all()) {
        if (std::optional<KeyEvent> event = event_of(dropped)) {
            events.push_back(std::move(*event));
        }
    }
    return events;
}

std::string check_of_key(std::string_view key) {
    const std::string whole = fmt::format("{}{}", k_key_prefix, key);
    if (is_name(whole)) {
        return whole;
    }
    std::string slug = to_lower_ascii(key).substr(0, k_slug);
    for (char& letter : slug) {
        const bool fits =
            (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
        letter = fits ? letter : '-';
    }
    return fmt::format("{}{}-{}", k_key_prefix, slug, base32_id(stable_hash(key)));
}

void count(std::vector<KnownKey>& keys, const KeyEvent& event) {
    KnownKey* known = find(keys, event.key);
    const bool begins = known == nullptr || known->level == KeyLevel::over;
    if (begins && (event.level == KeyLevel::over || (known == nullptr && keys.size() >= k_most_keys))) {
        return;
    }
    if (known == nullptr) {
        known = &keys.emplace_back(begun_by(event));
    } else if (begins) {
        *known = begun_by(event);
    }
    known->level = event.level;
    known->last = event.time;
    if (event.level == KeyLevel::over) {
        return;
    }
    known->was = event.level;
    known->title = event.title;
    known->text = event.text;
    known->times = std::min(known->times + 1, k_most_times);
    if (event.told) {
        known->told_at = event.time;
        known->told = event.level;
        known->untold = 0;
    } else {
        known->untold = std::min(known->untold + 1, k_most_times);
    }
}

void forget_silent(std::vector<KnownKey>& keys, WallTime now) {
    std::erase_if(keys, [&](const KnownKey& key) { return !is_near(key.last, now, k_silent_after); });
}

KeyHistory history_of(std::string_view key, const JudgeState& health, std::vector<KnownKey> keys,
                      const std::vector<KeyEvent>& left, const std::vector<LastWord>& words) {
    for (const KeyEvent& event : left) {
        if (event.key == key) {
            count(keys, event);
        }
    }
    if (find(keys, key) == nullptr) {
        if (std::optional<KnownKey> told = told_by_words(key, words)) {
            keys.push_back(std::move(*told));
        }
    }
    KeyHistory history;
    if (const KnownKey* known = find(keys, key); known != nullptr && known->level != KeyLevel::over) {
        history.known = *known;
    }
    if (const IncidentState* incident = health.open_incident(check_of_key(key));
        incident != nullptr && history.known) {
        history.acknowledged = incident->acknowledged;
        history.reminded_at = incident->told ? std::optional(incident->told_at.wall) : std::nullopt;
    }
    return history;
}

KeyNews news_of(const KeyEvent& event, const KeyHistory& history, Duration window) {
    using Kind = KeyNews::Kind;
    if (!history.known) {
        return {event.level == KeyLevel::over ? Kind::nothing : Kind::opened, {}};
    }
    const KnownKey& known = *history.known;
    const bool told = known.told_at || history.reminded_at;
    if (event.level == KeyLevel::over) {
        const bool is_incident = std::max(known.level, known.told) > KeyLevel::info;
        return {!is_incident ? Kind::nothing : told ? Kind::ended : Kind::ended_untold, known.incident};
    }
    if (!told) {
        return {Kind::opened, known.incident};
    }
    if (event.level > std::max(known.told, KeyLevel::info)) {
        return {Kind::risen, known.incident};
    }
    const WallTime last =
        std::max(known.told_at.value_or(WallTime{}), history.reminded_at.value_or(WallTime{}));
    const bool is_counted = history.acknowledged || is_near(last, event.time, window);
    return {is_counted ? Kind::counted : Kind::repeated, known.incident};
}

Text more_times(int times, Duration within) {
    const Text more = say(k_more_times, counted(times, k_more));
    return within > Duration::zero() ? say(k_more_within, more, span_words(within)) : more;
}

CheckPolicy policy_of_key(const KnownKey& key) {
    CheckCommon common;
    common.flap = {}; // each of its changes has been told by whoever made it
    return {check_of_key(key.key), std::string(k_key_type), Layer::other, Recheck::no, common};
}

CheckResult look_at(const KnownKey& key) {
    CheckResult result;
    if (key.level == KeyLevel::over) {
        result.status = Status::ok;
        result.message = say(k_over, title_of(key));
        return result;
    }
    result.message = title_and_count(key);
    result.status = status_of(key.level);
    result.evidence = key.text;
    return result;
}

void adopt(JudgeState& state, const KnownKey& key, const std::vector<LastWord>& words) {
    const CheckPolicy check = policy_of_key(key);
    IncidentState* open = state.open_incident(check.name);
    const LastWord* word = find_word(words, key.incident);
    if (key.level == KeyLevel::over) {
        const bool untold = !key.told_at && word == nullptr && key.was > KeyLevel::info;
        if (open != nullptr && word != nullptr && is_over(word->event)) {
            open->told.reset();
            open->hidden = true;
        } else if (open == nullptr && untold) {
            describe(open_for(state, key), key);
        }
        return;
    }
    if (key.level == KeyLevel::info && open == nullptr) {
        return;
    }
    IncidentState& incident = open != nullptr ? *open : open_for(state, key);
    describe(incident, key);
    const Status level = status_of(key.level);
    if (worst(level, incident.level) != incident.level) {
        incident.level = level;
        incident.acknowledged = false;
        incident.told_escalated = false;
    }
    const bool is_news =
        word != nullptr && !is_over(word->event) && (!incident.told || word->time > incident.told_at.wall);
    if (is_news) {
        const bool is_level_new = incident.told != word->level;
        incident.told = word->level;
        incident.told_at = {word->time, {}, {}};
        incident.level_told_at = is_level_new ? incident.told_at : incident.level_told_at;
        incident.alarmed = incident.alarmed || word->level == Status::critical;
    }
}

} // namespace lectio

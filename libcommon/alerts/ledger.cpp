#include "alerts/ledger.h"

#include "alerts/message_json.h"
#include "util/json_members.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// A run that died tells again within minutes; a week covers a host that was off for a holiday.
constexpr std::chrono::days k_told_for{7};
// An incident may be open for long, and its end answers its opening.
constexpr std::chrono::days k_opening_for{90};
constexpr std::size_t k_most_entries = 1000;
constexpr std::size_t k_most_letters = 500;
// As many as the widest budget looks back on; and those of the last hour, up to the highest limit of them.
constexpr std::size_t k_budgeted_sent = 60;
constexpr std::size_t k_most_sent = 10'000;
constexpr Duration k_hour = std::chrono::hours(1);

Json write(const Text& text) {
    return {{"en", text.en}, {"ru", text.ru}};
}
Text read_text(const Json& json) {
    return {text_of(json, "en"), text_of(json, "ru")};
}

Json write(const Now& now) {
    return {{"wall", milliseconds_of(now.wall)}, {"boot", now.boot.count()}, {"boot_id", now.boot_id}};
}
Now read_now(const Json& json) {
    return {time_of(json, "wall"), Duration(integer_of(json, "boot")), text_of(json, "boot_id")};
}

Json write(const Ledger::Trouble& trouble) {
    return {{"failures", trouble.failures},      {"last_attempt", write(trouble.last_attempt)},
            {"wait", trouble.wait.count()},      {"asked_by_server", trouble.asked_by_server},
            {"since", write(trouble.since)},     {"refused", trouble.refused},
            {"problem", write(trouble.problem)}, {"hint", write(trouble.hint)},
            {"fingerprint", trouble.fingerprint}};
}

Ledger::Trouble read_trouble(const Json& json) {
    Ledger::Trouble trouble;
    trouble.failures = static_cast<int>(std::clamp<std::int64_t>(integer_of(json, "failures"), 0, 1'000'000));
    trouble.last_attempt = read_now(object_of(json, "last_attempt"));
    trouble.wait =
        Duration(std::clamp<std::int64_t>(integer_of(json, "wait"), 0, Ledger::k_longest_wait.count()));
    trouble.asked_by_server = flag_of(json, "asked_by_server");
    trouble.since = read_now(object_of(json, "since"));
    trouble.refused = flag_of(json, "refused");
    trouble.problem = read_text(object_of(json, "problem"));
    trouble.hint = read_text(object_of(json, "hint"));
    trouble.fingerprint = text_of(json, "fingerprint");
    return trouble;
}

Json write(const Ledger::Shortfall& shortfall) {
    return {{"problem", write(shortfall.problem)},
            {"hint", write(shortfall.hint)},
            {"fingerprint", shortfall.fingerprint}};
}

Ledger::Shortfall read_shortfall(const Json& json) {
    return {read_text(object_of(json, "problem")), read_text(object_of(json, "hint")),
            text_of(json, "fingerprint")};
}

Json write(const Ledger::Torn& torn) {
    return {{"letters", torn.letters},
            {"digest", torn.digest},
            {"message_id", torn.message_id ? Json(*torn.message_id) : Json()}};
}

WallTime when(WallTime time) {
    return time;
}
template<class T>
WallTime when(const T& entry) {
    return entry.time;
}

// Entries older than `age` go, then the oldest until few enough are left. What lies in the future was written
// before the clock was set back: its age is not known, so it stays until there are too many.
template<class T>
void prune(std::map<std::string, T>& entries, WallTime now, Duration age) {
    std::erase_if(entries, [&](const auto& entry) { return now - when(entry.second) > age; });
    while (entries.size() > k_most_entries) {
        entries.erase(std::min_element(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
            return when(a.second) < when(b.second);
        }));
    }
}

// All but the last of them, and those that would come again if they were forgotten.
void prune(std::vector<std::string>& letters, const std::set<std::string>& lying) {
    if (letters.size() > k_most_letters) {
        const auto last = letters.end() - k_most_letters;
        letters.erase(std::remove_if(letters.begin(), last,
                                     [&](const std::string& letter) { return !lying.contains(letter); }),
                      last);
    }
}

std::vector<std::string> texts_of(const Json& json, const char* key) {
    std::vector<std::string> texts;
    const auto found = json.is_object() ? json.find(key) : json.end();
    if (found != json.end() && found->is_array()) {
        for (const Json& text : *found) {
            if (text.is_string()) {
                texts.push_back(text.get<std::string>());
            }
        }
    }
    return texts;
}

Ledger::Torn read_torn(const Json& json) {
    Ledger::Torn torn{texts_of(json, "letters"), text_of(json, "digest"), {}};
    if (const auto id = json.find("message_id"); id != json.end() && id->is_number_integer()) {
        torn.message_id = id->get<std::int64_t>();
    }
    return torn;
}

std::vector<WallTime> times_of(const Json& json, const char* key) {
    std::vector<WallTime> times;
    const auto found = json.is_object() ? json.find(key) : json.end();
    if (found != json.end() && found->is_array()) {
        for (const Json& time : *found) {
            if (time.is_number_integer()) {
                times.emplace_back(std::chrono::milliseconds(time.get<std::int64_t>()));
            }
        }
    }
    return times;
}

} // namespace

void Ledger::forget_old(WallTime now, Duration key_window, const std::set<std::string>& lying) {
    prune(openings, now, k_opening_for);
    // What is open is told anew to some channels, and its end belongs to who heard of it.
    std::erase_if(told, [&](const auto& entry) {
        return now - entry.second.time > (is_over(entry.second.event) ? k_told_for : k_opening_for);
    });
    prune(told, now, k_opening_for);
    prune(keys, now, key_window);
    prune(delivered, lying);
    prune(begun, lying);
    const std::size_t kept = std::clamp(sent_within(k_hour, now), k_budgeted_sent, k_most_sent);
    if (sent.size() > kept) {
        sent.erase(sent.begin(), sent.end() - static_cast<std::ptrdiff_t>(kept));
    }
}

std::size_t Ledger::sent_within(Duration span, WallTime now) const {
    return static_cast<std::size_t>(std::count_if(
        sent.begin(), sent.end(), [&](WallTime time) { return time <= now && now - time < span; }));
}

std::optional<Duration> Ledger::must_wait(WallTime now, const Budget& budget) const {
    if (budget.messages <= 0) {
        return std::nullopt;
    }
    // The last `count` of them must not all lie within `span`.
    const auto wait_for = [&](int count, Duration span) -> Duration {
        const auto many = static_cast<std::size_t>(count);
        if (count <= 0 || sent.size() < many) {
            return {};
        }
        const Duration passed = now - sent[sent.size() - many];
        return passed < Duration::zero() || passed >= span ? Duration{} : span - passed;
    };
    const Duration wait = std::max(wait_for(budget.messages, budget.per),
                                   wait_for(budget.burst, std::chrono::seconds(budget.burst)));
    return wait > Duration::zero() ? std::optional(wait) : std::nullopt;
}

Duration Ledger::Trouble::lasts(const Now& now) const {
    const bool same_boot = !now.boot_id.empty() && now.boot_id == since.boot_id;
    return same_boot ? now.boot - since.boot : now.wall - since.wall;
}

std::optional<Duration> Ledger::must_wait(const Now& now) const {
    if (trouble.wait <= Duration::zero()) {
        return std::nullopt;
    }
    const bool same_boot = !now.boot_id.empty() && now.boot_id == trouble.last_attempt.boot_id;
    if (!same_boot && now.wall < trouble.last_attempt.wall) {
        return std::nullopt; // nobody knows how long ago it was: trying once too often costs less
    }
    const Duration passed = elapsed(trouble.last_attempt, now);
    return passed >= trouble.wait ? std::nullopt : std::optional(trouble.wait - passed);
}

std::string to_json(const Ledger& ledger) {
    Json openings = Json::object();
    for (const auto& [id, opening] : ledger.openings) {
        openings[id] = {{"message_id", opening.message_id}, {"time", milliseconds_of(opening.time)}};
    }
    Json told = Json::object();
    for (const auto& [id, last] : ledger.told) {
        told[id] = {{"event", to_string(last.event)},
                    {"time", milliseconds_of(last.time)},
                    {"epoch", last.run.epoch},
                    {"run", last.run.run},
                    {"check", last.check},
                    {"level", to_string(last.level)},
                    {"since", milliseconds_of(last.since)},
                    {"summary", last.summary},
                    {"hint", last.hint}};
    }
    Json sent = Json::array();
    for (const WallTime time : ledger.sent) {
        sent.push_back(milliseconds_of(time));
    }
    Json keys = Json::object();
    for (const auto& [key, time] : ledger.keys) {
        keys[key] = milliseconds_of(time);
    }
    const Json json{{"revision", ledger.revision},
                    {"openings", std::move(openings)},
                    {"told", std::move(told)},
                    {"keys", std::move(keys)},
                    {"delivered", ledger.delivered},
                    {"begun", ledger.begun},
                    {"moved_from", ledger.moved_from},
                    {"moved_to", ledger.moved_to},
                    {"address", ledger.address},
                    {"trouble", write(ledger.trouble)},
                    {"shortfall", write(ledger.shortfall)},
                    {"sent", std::move(sent)},
                    {"torn", write(ledger.torn)},
                    {"told_anew", milliseconds_of(ledger.told_anew)}};
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Ledger ledger_from_json(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    Ledger ledger;
    const Json openings = object_of(json, "openings");
    for (const auto& [id, entry] : openings.items()) {
        ledger.openings[id] = {integer_of(entry, "message_id"), time_of(entry, "time")};
    }
    const Json told = object_of(json, "told");
    for (const auto& [id, entry] : told.items()) {
        if (const std::optional<Event> event = parse_event(text_of(entry, "event"))) {
            const auto run = std::max<std::int64_t>(0, integer_of(entry, "run"));
            ledger.told[id] = {*event,
                               time_of(entry, "time"),
                               {text_of(entry, "epoch"), static_cast<std::uint64_t>(run)},
                               text_of(entry, "check"),
                               parse_level(text_of(entry, "level")).value_or(Level::critical),
                               time_of(entry, "since"),
                               text_of(entry, "summary"),
                               text_of(entry, "hint")};
        }
    }
    const Json keys = object_of(json, "keys");
    for (const auto& [key, time] : keys.items()) {
        ledger.keys[key] = time_of(keys, key.c_str());
    }
    ledger.revision = static_cast<std::uint64_t>(std::max<std::int64_t>(0, integer_of(json, "revision")));
    ledger.delivered = texts_of(json, "delivered");
    ledger.begun = texts_of(json, "begun");
    ledger.moved_from = text_of(json, "moved_from");
    ledger.moved_to = text_of(json, "moved_to");
    ledger.address = text_of(json, "address");
    ledger.sent = times_of(json, "sent");
    ledger.told_anew = time_of(json, "told_anew");
    ledger.trouble = read_trouble(object_of(json, "trouble"));
    ledger.shortfall = read_shortfall(object_of(json, "shortfall"));
    ledger.torn = read_torn(object_of(json, "torn"));
    return ledger;
}

} // namespace lectio

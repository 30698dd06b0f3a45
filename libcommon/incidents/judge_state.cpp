// JudgeState as JSON. Written by us, read as if by an enemy: a state file may be damaged, cut, edited by hand
// or from another version, and none of that may stop a run (DESIGN rule 1).
#include "incidents/judge.h"
#include "incidents/judge_json.h"
#include "incidents/rules.h"
#include "util/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// Beyond these a state file is not ours any more, or something in it grows without end. What is over is left
// out, with a word when reading.
constexpr std::size_t k_most_text = 16 << 20;
constexpr std::size_t k_most_notes = 100;
constexpr std::size_t k_most_messages = 1000; // of an hour: a run a minute tells 60
constexpr std::size_t k_most_symptoms = 20;
constexpr std::size_t k_most_commands = 20;
constexpr std::size_t k_most_deeds = 20;
constexpr std::size_t k_most_fixed = 100;
constexpr std::size_t k_most_memory = 64;
constexpr std::size_t k_longest_value = 4096; // of a check's memory: cut it would be wrong, so it is dropped
constexpr std::size_t k_longest_words = 2000; // characters of a message
constexpr std::size_t k_longest_brief = 200;  // where so many are broken that the whole of it is too much
constexpr std::int64_t k_farthest_ms = 253'402'300'799'000; // the end of the year 9999; as far back, too
constexpr int k_most_in_a_row = 1'000'000;
constexpr int k_most_took_ms = 1'000'000'000;

constexpr Phrase k_not_json{"the judge's part of the state is damaged: it begins afresh",
                            "часть состояния об инцидентах повреждена: начата заново"};
constexpr Phrase k_dropped{"left out of the state, because it is damaged: {}",
                           "пропущено в состоянии, потому что повреждено: {}"};

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

Json json_of(const Text& text) {
    return Json{{"en", shorten(text.en, k_longest_words)}, {"ru", shorten(text.ru, k_longest_words)}};
}

Json json_of(const Now& now) {
    return Json::array({now.wall.time_since_epoch().count(), now.boot.count(), now.boot_id});
}

Json json_of(const std::map<std::string, std::string>& memory) {
    Json object = Json::object();
    for (const auto& [key, value] : memory) {
        if (object.size() < k_most_memory && key.size() <= k_longest_value &&
            value.size() <= k_longest_value) {
            object[key] = value;
        }
    }
    return object;
}

// Writes one object: members in the order of the calls, which is that of their names, as Json has them.
class Members {
  public:
    explicit Members(std::string& out) : m_out(out) { m_out += '{'; }
    void end() { m_out += '}'; }

    void put(std::string_view key, const Json& value) { begin(key) += dumped(value); }
    void put_words(std::string_view key, std::string_view words) { append(words, begin(key)); }
    template<class Number>
    void put_number(std::string_view key, Number number) {
        if (number != 0) {
            std::array<char, 24> digits{};
            char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
            begin(key).append(digits.data(), end);
        }
    }
    // Where the value is to be appended.
    std::string& begin(std::string_view key) {
        m_out += m_first ? "" : ",";
        m_first = false;
        append(key, m_out);
        m_out += ':';
        return m_out;
    }
    static std::string dumped(const Json& json) {
        return json.dump(-1, ' ', false, Json::error_handler_t::replace);
    }

  private:
    static void append(std::string_view words, std::string& out) {
        const bool is_plain = std::all_of(words.begin(), words.end(), [](char c) {
            return c >= ' ' && c < '\x7F' && c != '"' && c != '\\'; // RFC 8259, 7
        });
        if (is_plain) {
            out += '"';
            out += words;
            out += '"';
        } else {
            out += dumped(words);
        }
    }

    std::string& m_out;
    bool m_first = true;
};

// Of a thousand checks nearly all are good and were seen in the last run; all of it is read and written each minute. So
// what a check has not, and the moment of that run, is left out, and the rest is text at once: a tree of JSON cost four
// times as much.
void write(const CheckState& check, const Now& last_run, std::string& out) {
    Members members(out);
    const auto put_moment = [&](std::string_view key, const Now& moment) {
        if (moment != last_run) {
            members.put(key, json_of(moment));
        }
    };
    members.put_number("bad", check.bad);
    members.put_number("bad_runs", check.history.bad);
    members.put_number("below_critical", check.below_critical);
    members.put_number("critical", check.critical);
    members.put_number("critical_runs", check.history.critical);
    if (check.history.fresh != check.history.runs) {
        members.put("fresh_runs", check.history.fresh);
    }
    members.put_number("good", check.good);
    members.put_words("known", to_string(check.known));
    put_moment("known_at", check.known_at);
    if (!check.memory.empty()) {
        members.put("memory", json_of(check.memory));
    }
    members.put_number("mended_runs", check.history.mended);
    members.put_number("runs", check.history.runs);
    put_moment("seen", check.seen);
    members.put_words("status", to_string(check.status));
    members.put_number("took_ms", std::min<std::int64_t>(check.took.count(), k_most_took_ms));
    members.put_words("type", check.type);
    members.put_number("unknown", check.unknown);
    members.end();
}

std::string_view word_of(Severity severity) {
    switch (severity) {
    case Severity::info:
        return "info";
    case Severity::warning:
        return "warning";
    case Severity::critical:
        break;
    }
    return "critical";
}

Json json_of(const Symptom& symptom) {
    return Json{{"check", symptom.check},
                {"type", symptom.type},
                {"status", to_string(symptom.status)},
                {"message", json_of(symptom.message)}};
}

Json json_of(const std::string& text) {
    return shorten(text, k_longest_words);
}

template<class T>
Json json_array(const std::vector<T>& values, std::size_t most, Json (*write)(const T&)) {
    Json array = Json::array();
    for (std::size_t i = 0; i < std::min(values.size(), most); ++i) {
        array.push_back(write(values[i]));
    }
    return array;
}

Json json_of(const Deed& deed) {
    return Json{{"rung", shorten(deed.rung, k_longest_words)},
                {"action", shorten(deed.action, k_longest_words)},
                {"target", shorten(deed.target, k_longest_words)},
                {"ok", deed.ok},
                {"detail", json_of(deed.detail)},
                {"fixed", json_array(deed.fixed, k_most_fixed, json_of)},
                {"took_ms", deed.took.count()}};
}

Json json_of(const IncidentState& incident) {
    Json object{{"id", incident.id},
                {"subject", incident.subject},
                {"check", incident.check},
                {"type", incident.type},
                {"key", shorten(incident.key, k_longest_words)},
                {"during", incident.during},
                {"level", to_string(incident.level)},
                {"severity", word_of(incident.severity)},
                {"since", json_of(incident.since)},
                {"message", json_of(incident.message)},
                {"hint", json_of(incident.hint)},
                {"evidence", shorten(incident.evidence, k_longest_words)},
                {"note", shorten(incident.note, k_longest_words)},
                {"symptoms", json_array(incident.symptoms, k_most_symptoms, json_of)},
                {"acknowledged", incident.acknowledged},
                {"flapping", incident.flapping},
                {"symptom", incident.symptom},
                {"gave_up", incident.gave_up},
                {"hour_is_full", incident.reason == CallReason::hour_is_full},
                {"never_comes_up", incident.reason == CallReason::never_comes_up},
                {"no_time", incident.reason == CallReason::no_time},
                {"look_with", json_array(incident.look_with, k_most_commands, json_of)},
                {"told_at", json_of(incident.told_at)},
                {"reminders", incident.reminders},
                {"told_flapping", incident.told_flapping},
                {"told_gave_up", incident.told_gave_up},
                {"hidden", incident.hidden},
                {"unwatched", incident.unwatched},
                {"blind", incident.blind},
                {"level_told_at", json_of(incident.level_told_at)},
                {"told_escalated", incident.told_escalated},
                {"alarmed", incident.alarmed},
                {"waited", incident.waited}};
    if (incident.ended) {
        object["ended"] = json_of(*incident.ended);
    }
    if (incident.told) {
        object["told"] = to_string(*incident.told);
    }
    if (!incident.deeds.empty()) {
        object["deeds"] = json_array(incident.deeds, k_most_deeds, json_of);
    }
    return object;
}

Json json_of(const PassingNote& note) {
    return Json{{"id", note.id},
                {"subject", note.subject},
                {"name", note.name},
                {"status", to_string(note.status)},
                {"message", json_of(note.message)},
                {"hint", json_of(note.hint)},
                {"noticed", json_of(note.noticed)},
                {"told", note.told}};
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────

std::optional<Status> status_of(std::string_view word) {
    for (const Status status :
         {Status::ok, Status::warning, Status::critical, Status::unknown, Status::skipped}) {
        if (word == to_string(status)) {
            return status;
        }
    }
    return std::nullopt;
}

// Reads the members of one object. A member that is missing or of another type leaves its target as it is:
// `odd()` says whether any that was there could not be used.
class Reader {
  public:
    explicit Reader(const Json& object) : m_object(object), m_odd(!object.is_object()) {}
    [[nodiscard]] bool odd() const { return m_odd; }

    void read(const char* key, std::string& target, std::size_t longest = k_longest_words * 4) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_string() &&
                              value->get_ref<const std::string&>().size() <= longest)) {
            target = value->get<std::string>();
        }
    }
    void read(const char* key, bool& target) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_boolean())) {
            target = value->get<bool>();
        }
    }
    void read(const char* key, int& target, int most = k_most_in_a_row) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_number_unsigned() &&
                              value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most))) {
            target = value->get<int>();
        }
    }
    void read(const char* key, std::uint64_t& target) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_number_unsigned())) {
            target = value->get<std::uint64_t>();
        }
    }
    void read(const char* key, Status& target) {
        const Json* value = find(key);
        const bool is_word = value != nullptr && value->is_string();
        const std::optional<Status> status =
            is_word ? status_of(value->get_ref<const std::string&>()) : std::nullopt;
        if (accept(value, status.has_value())) {
            target = *status;
        }
    }
    void read(const char* key, Severity& target) {
        const Json* value = find(key);
        if (!accept(value, value != nullptr && value->is_string())) {
            return;
        }
        const std::string& word = value->get_ref<const std::string&>();
        for (const Severity severity : {Severity::info, Severity::warning, Severity::critical}) {
            target = word == word_of(severity) ? severity : target;
        }
    }
    void read(const char* key, Text& target) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_object())) {
            Reader text(*value);
            text.read("en", target.en);
            text.read("ru", target.ru);
            m_odd = m_odd || text.odd();
        }
    }
    void read(const char* key, Now& target) {
        const Json* value = find(key);
        const std::optional<Now> now = value != nullptr ? now_of(*value) : std::nullopt;
        if (accept(value, now.has_value())) {
            target = *now;
        }
    }
    template<class T>
    void read(const char* key, std::optional<T>& target) {
        T value{};
        if (find(key) != nullptr) {
            const bool before = std::exchange(m_odd, false);
            read(key, value);
            if (!m_odd) {
                target = value;
            }
            m_odd = m_odd || before;
        }
    }
    void read(const char* key, std::map<std::string, std::string>& target) {
        const Json* value = find(key);
        if (!accept(value, value != nullptr && value->is_object())) {
            return;
        }
        for (const auto& [name, content] : value->items()) {
            const bool good = content.is_string() && target.size() < k_most_memory &&
                              name.size() <= k_longest_value &&
                              content.get_ref<const std::string&>().size() <= k_longest_value;
            if (good) {
                target.emplace(name, content.get<std::string>());
            }
            m_odd = m_odd || !good;
        }
    }
    template<class Each>
    void each(const char* key, std::size_t most, Each&& use) {
        const Json* value = find(key);
        if (accept(value, value != nullptr && value->is_array())) {
            m_odd = m_odd || value->size() > most;
            for (std::size_t i = 0; i < std::min(value->size(), most); ++i) {
                use((*value)[i]);
            }
        }
    }
    void read(const char* key, std::vector<std::string>& target, std::size_t most) {
        each(key, most, [&](const Json& value) {
            if (value.is_string() && value.get_ref<const std::string&>().size() <= k_longest_words * 4) {
                target.push_back(value.get<std::string>());
            } else {
                m_odd = true;
            }
        });
    }
    [[nodiscard]] const Json* find(const char* key) const {
        if (!m_object.is_object()) {
            return nullptr;
        }
        const auto found = m_object.find(key);
        return found == m_object.end() ? nullptr : &*found;
    }
    bool accept(const Json* value, bool good) {
        m_odd = m_odd || (value != nullptr && !good);
        return good;
    }

    static std::optional<Now> now_of(const Json& value) {
        if (!value.is_array() || value.size() != 3 || !value[2].is_string()) {
            return std::nullopt;
        }
        const std::optional<std::int64_t> wall = milliseconds(value[0]);
        const std::optional<std::int64_t> boot = milliseconds(value[1]);
        if (!wall || !boot || value[2].get_ref<const std::string&>().size() > 64) {
            return std::nullopt;
        }
        return Now{WallTime(Duration(*wall)), Duration(*boot), value[2].get<std::string>()};
    }

  private:
    static std::optional<std::int64_t> milliseconds(const Json& value) {
        if (value.is_number_integer() && value >= -k_farthest_ms && value <= k_farthest_ms) {
            return value.get<std::int64_t>();
        }
        return std::nullopt;
    }

    const Json& m_object;
    bool m_odd;
};

bool read(const Json& json, const Now& last_run, CheckState& check) {
    Reader reader(json);
    check.seen = check.known_at = last_run;
    reader.read("type", check.type);
    reader.read("status", check.status);
    reader.read("known", check.known);
    reader.read("seen", check.seen);
    reader.read("known_at", check.known_at);
    reader.read("bad", check.bad);
    reader.read("critical", check.critical);
    reader.read("good", check.good);
    reader.read("below_critical", check.below_critical);
    reader.read("unknown", check.unknown);
    int took_ms = 0;
    reader.read("took_ms", took_ms, k_most_took_ms);
    check.took = Duration(took_ms);
    reader.read("runs", check.history.runs, 64);
    check.history.fresh = check.history.runs; // where an older version wrote it
    reader.read("fresh_runs", check.history.fresh, 64);
    reader.read("bad_runs", check.history.bad);
    reader.read("critical_runs", check.history.critical);
    reader.read("mended_runs", check.history.mended);
    reader.read("memory", check.memory);
    return !reader.odd() && !check.type.empty();
}

// The same of a row: members that a Reader would find odd are so here.
bool read(std::span<const JsonRows::Member> members, const Now& last_run, CheckState& check) {
    using Member = JsonRows::Member;
    check.seen = check.known_at = last_run;
    bool odd = false;
    const auto word = [&](const Member& member) -> std::optional<std::string_view> {
        const bool good = !member.is_number && member.word.size() <= k_longest_words * 4;
        odd = odd || !good;
        return good ? std::optional(member.word) : std::nullopt;
    };
    const auto take = [&](const Member& member, auto& number, std::uint64_t most) {
        const bool good = member.is_number && member.number <= most;
        odd = odd || !good;
        number = good ? static_cast<std::remove_reference_t<decltype(number)>>(member.number) : number;
    };
    const auto take_status = [&](const Member& member, Status& status) {
        const std::optional<Status> read_one = word(member) ? status_of(member.word) : std::nullopt;
        odd = odd || !read_one;
        status = read_one.value_or(status);
    };
    constexpr std::uint64_t k_any = std::numeric_limits<std::uint64_t>::max();
    bool has_fresh = false;
    int took_ms = 0;
    for (const Member& member : members) {
        const std::string_view key = member.key;
        if (key == "type") {
            check.type = word(member).value_or("");
        } else if (key == "status") {
            take_status(member, check.status);
        } else if (key == "known") {
            take_status(member, check.known);
        } else if (key == "good") {
            take(member, check.good, k_most_in_a_row);
        } else if (key == "runs") {
            take(member, check.history.runs, 64);
        } else if (key == "bad") {
            take(member, check.bad, k_most_in_a_row);
        } else if (key == "critical") {
            take(member, check.critical, k_most_in_a_row);
        } else if (key == "below_critical") {
            take(member, check.below_critical, k_most_in_a_row);
        } else if (key == "unknown") {
            take(member, check.unknown, k_most_in_a_row);
        } else if (key == "took_ms") {
            take(member, took_ms, k_most_took_ms);
        } else if (key == "fresh_runs") {
            take(member, check.history.fresh, 64);
            has_fresh = true;
        } else if (key == "bad_runs") {
            take(member, check.history.bad, k_any);
        } else if (key == "critical_runs") {
            take(member, check.history.critical, k_any);
        } else if (key == "mended_runs") {
            take(member, check.history.mended, k_any);
        } else {
            odd = odd || key == "seen" || key == "known_at" || key == "memory"; // neither words nor numbers
        }
    }
    check.took = Duration(took_ms);
    check.history.fresh = has_fresh ? check.history.fresh : check.history.runs;
    return !odd && !check.type.empty();
}

bool read(const Json& json, Symptom& symptom) {
    Reader reader(json);
    reader.read("check", symptom.check);
    reader.read("type", symptom.type);
    reader.read("status", symptom.status);
    reader.read("message", symptom.message);
    return !reader.odd() && is_bad(symptom.status);
}

bool read(const Json& json, Deed& deed) {
    Reader reader(json);
    reader.read("rung", deed.rung);
    reader.read("action", deed.action);
    reader.read("target", deed.target);
    reader.read("ok", deed.ok);
    reader.read("detail", deed.detail);
    reader.read("fixed", deed.fixed, k_most_fixed);
    std::uint64_t took = 0;
    reader.read("took_ms", took);
    deed.took = Duration(static_cast<std::int64_t>(std::min<std::uint64_t>(took, k_farthest_ms)));
    return !reader.odd() && !deed.action.empty();
}

// An incident is kept as long as it can still be named and ended: what else of it is damaged is put up with,
// because losing it would leave the operator with a fault that never ends.
bool read(const Json& json, IncidentState& incident, bool& odd) {
    Reader reader(json);
    reader.read("id", incident.id, 16);
    reader.read("subject", incident.subject);
    reader.read("check", incident.check);
    reader.read("type", incident.type);
    reader.read("key", incident.key);
    reader.read("during", incident.during);
    reader.read("level", incident.level);
    reader.read("severity", incident.severity);
    reader.read("since", incident.since);
    reader.read("message", incident.message);
    reader.read("hint", incident.hint);
    reader.read("evidence", incident.evidence);
    reader.read("note", incident.note);
    reader.each("symptoms", k_most_symptoms, [&](const Json& value) {
        Symptom symptom;
        const bool good = read(value, symptom);
        if (good) {
            incident.symptoms.push_back(std::move(symptom));
        }
        reader.accept(&value, good);
    });
    reader.each("deeds", k_most_deeds, [&](const Json& value) {
        Deed deed;
        const bool good = read(value, deed);
        if (good) {
            incident.deeds.push_back(std::move(deed));
        }
        reader.accept(&value, good);
    });
    reader.read("acknowledged", incident.acknowledged);
    reader.read("flapping", incident.flapping);
    reader.read("symptom", incident.symptom);
    reader.read("ended", incident.ended);
    reader.read("gave_up", incident.gave_up);
    bool hour_is_full = false;
    bool never_comes_up = false;
    reader.read("hour_is_full", hour_is_full);
    bool no_time = false;
    reader.read("never_comes_up", never_comes_up);
    reader.read("no_time", no_time);
    incident.reason = hour_is_full     ? CallReason::hour_is_full
                      : never_comes_up ? CallReason::never_comes_up
                      : no_time        ? CallReason::no_time
                                       : CallReason::useless_attempts;
    reader.read("look_with", incident.look_with, k_most_commands);
    reader.read("told", incident.told);
    reader.read("told_at", incident.told_at);
    reader.read("reminders", incident.reminders);
    reader.read("told_flapping", incident.told_flapping);
    reader.read("told_gave_up", incident.told_gave_up);
    reader.read("hidden", incident.hidden);
    reader.read("unwatched", incident.unwatched);
    reader.read("blind", incident.blind);
    incident.level_told_at = incident.told_at; // where an older version wrote it
    reader.read("level_told_at", incident.level_told_at);
    reader.read("told_escalated", incident.told_escalated);
    incident.alarmed = incident.told == Status::critical;
    reader.read("alarmed", incident.alarmed);
    reader.read("waited", incident.waited);
    odd = reader.odd();
    if (!is_bad(incident.level)) {
        incident.level = Status::critical;
        odd = true;
    }
    if (incident.told && !is_bad(*incident.told)) {
        incident.told = incident.level;
        odd = true;
    }
    return !incident.id.empty() && !incident.subject.empty() && !incident.check.empty() &&
           !incident.type.empty();
}

bool read(const Json& json, PassingNote& note) {
    Reader reader(json);
    reader.read("id", note.id, 16);
    reader.read("subject", note.subject);
    reader.read("name", note.name);
    reader.read("status", note.status);
    reader.read("message", note.message);
    reader.read("hint", note.hint);
    reader.read("noticed", note.noticed);
    reader.read("told", note.told);
    return !reader.odd() && !note.id.empty() && !note.name.empty();
}

void read_check(std::string_view subject, const auto& read_it, LoadedJudgeState& loaded) {
    CheckState check;
    std::map<std::string, CheckState>& checks = loaded.state.checks;
    if (checks.size() < k_most_kept && subject.size() <= k_longest_words && read_it(check)) {
        checks.emplace_hint(checks.end(), subject, std::move(check));
    } else {
        loaded.dropped.push_back(say(k_dropped, "checks/" + shorten(clean_line(subject), 80)));
    }
}

void read_checks(const Json& json, const JsonRows* rows, LoadedJudgeState& loaded) {
    if (!json.is_object()) {
        loaded.dropped.push_back(say(k_dropped, "checks"));
        return;
    }
    const Now last_run = loaded.state.last_run.value_or(Now{});
    if (rows != nullptr) {
        for (const JsonRows::Row& row : rows->rows) {
            const std::span members = std::span(rows->members).subspan(row.first, row.count);
            read_check(
                row.name, [&](CheckState& check) { return read(members, last_run, check); }, loaded);
        }
    }
    for (const auto& [subject, value] : json.items()) {
        read_check(
            subject, [&](CheckState& check) { return read(value, last_run, check); }, loaded);
    }
}

void read_incident(const Json& json, LoadedJudgeState& loaded) {
    IncidentState incident;
    bool odd = false;
    const bool usable = read(json, incident, odd);
    const bool second = usable && !incident.ended && loaded.state.open_incident(incident.subject) != nullptr;
    if (!usable || odd || second) {
        loaded.dropped.push_back(say(k_dropped, "incidents/" + shorten(clean_line(incident.check), 80)));
    }
    if (!usable || second) {
        return;
    }
    if (!incident.ended) { // its check's own record may have been dropped
        loaded.state.checks.try_emplace(incident.subject).first->second.type = incident.type;
    }
    loaded.state.incidents.push_back(std::move(incident));
}

void read_note(const Json& json, LoadedJudgeState& loaded) {
    PassingNote note;
    if (read(json, note)) {
        loaded.state.notes.push_back(std::move(note));
    } else {
        loaded.dropped.push_back(say(k_dropped, "notes"));
    }
}

void read_message(const Json& json, JudgeState& state) {
    if (const std::optional<Now> time = Reader::now_of(json)) {
        state.messages.push_back(*time);
    }
}

void read_quiet(const Json& json, JudgeState& state) {
    for (const Quiet quiet : k_quiets) {
        if (json.is_string() && json.get_ref<const std::string&>() == to_string(quiet)) {
            state.quiet.push_back(quiet);
        }
    }
}

// What tells each incident from another, and when it began and was told: without the rest it can still end.
JudgeState brief(JudgeState state) {
    for (IncidentState& incident : state.incidents) {
        incident.message = {shorten(incident.message.en, k_longest_brief),
                            shorten(incident.message.ru, k_longest_brief)};
        incident.hint = {};
        incident.evidence.clear();
        incident.note.clear();
        incident.symptoms.clear();
        incident.look_with.clear();
        incident.deeds.clear();
    }
    return state;
}

std::string written(const JudgeState& state) {
    Json quiet = Json::array();
    for (const Quiet reason : state.quiet) {
        quiet.push_back(to_string(reason));
    }
    Json rest{{"epoch", state.epoch},
              {"run", state.run},
              {"incidents", json_array(state.incidents, k_most_kept, json_of)},
              {"notes", json_array(state.notes, k_most_notes, json_of)},
              {"quiet", std::move(quiet)}};
    if (state.last_run) {
        rest["last_run"] = json_of(*state.last_run);
    }
    if (!state.messages.empty()) {
        rest["messages"] = json_array(state.messages, k_most_messages, json_of);
    }
    if (state.summed_up) {
        rest["summed_up"] = json_of(*state.summed_up);
    }
    constexpr std::size_t k_usual = 100; // bytes of a check
    std::string text = "{\"checks\":";
    text.reserve(k_usual * state.checks.size());
    Members checks(text);
    const Now last_run = state.last_run.value_or(Now{});
    for (const auto& [subject, check] : state.checks) {
        write(check, last_run, checks.begin(subject));
    }
    checks.end();
    text += ',';
    text += std::string_view(Members::dumped(rest)).substr(1);
    return text;
}

} // namespace

std::string to_json(const JudgeState& state) {
    std::string text = written(state);
    return text.size() <= k_most_text ? text : written(brief(state));
}

LoadedJudgeState judge_state_from_json(std::string_view text) {
    return judge_state_from(text.size() <= k_most_text ? Json::parse(text, nullptr, false) : Json());
}

LoadedJudgeState judge_state_from(const Json& json, const JsonRows* rows) {
    LoadedJudgeState loaded;
    if (!json.is_object()) {
        loaded.dropped.push_back(say(k_not_json));
        return loaded;
    }
    Reader reader(json);
    reader.read("epoch", loaded.state.epoch, 16);
    reader.read("run", loaded.state.run);
    reader.read("last_run", loaded.state.last_run);
    if (const Json* checks = reader.find("checks")) {
        read_checks(*checks, rows, loaded);
    }
    reader.each("incidents", k_most_kept, [&](const Json& value) { read_incident(value, loaded); });
    reader.each("notes", k_most_notes, [&](const Json& value) { read_note(value, loaded); });
    reader.read("summed_up", loaded.state.summed_up);
    reader.each("messages", k_most_messages, [&](const Json& value) { read_message(value, loaded.state); });
    reader.each("quiet", 3, [&](const Json& value) { read_quiet(value, loaded.state); });
    if (reader.odd()) {
        loaded.dropped.push_back(say(k_dropped, "state"));
    }
    return loaded;
}

} // namespace lectio

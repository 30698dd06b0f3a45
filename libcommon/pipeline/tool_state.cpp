#include "pipeline/tool_state.h"

#include "alerts/message_json.h"
#include "incidents/judge_json.h"
#include "store/kept_json.h"
#include "util/json_members.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json; // not ordered_json: it seeks each key among all before it

constexpr int k_schema = 1;
constexpr std::string_view k_before_checks = R"({"judge":{"checks":)"; // as to_json() begins
constexpr int k_most_counted = 1'000'000;

constexpr Phrase k_unreadable{"the state could not be understood and was begun afresh",
                              "состояние не удалось разобрать, оно начато заново"};

constexpr Phrase k_news_unreadable{"news that was still to be told could not be read and was dropped",
                                   "новости, ещё не отправленные, не удалось прочитать, они отброшены"};

Json json_of(const HistoryMemory& memory) {
    return Json{{"lost", memory.lost},
                {"lost_why", json_of(memory.lost_why)},
                {"set_aside", json_of(memory.set_aside)}};
}

HistoryMemory history_memory_of(const Json& json) {
    HistoryMemory memory;
    memory.lost = static_cast<int>(std::clamp<std::int64_t>(integer_of(json, "lost"), 0, k_most_counted));
    memory.lost_why = both_of(json, "lost_why");
    memory.set_aside = both_of(json, "set_aside");
    return memory;
}

Json json_of(const std::vector<FallenUnit>& units) {
    Json rows = Json::array();
    for (const FallenUnit& unit : units) {
        Json falls = Json::array();
        for (const WallTime fall : unit.falls) {
            falls.push_back(milliseconds_of(fall));
        }
        rows.push_back({{"unit", unit.unit}, {"check", unit.check}, {"falls_ms", std::move(falls)}});
    }
    return rows;
}

std::optional<FallenUnit> fallen_unit_of(const Json& json) {
    const auto unit = json.is_object() ? json.find("unit") : json.end();
    const auto check = json.is_object() ? json.find("check") : json.end();
    const auto falls = json.is_object() ? json.find("falls_ms") : json.end();
    if (falls == json.end() || unit == json.end() || check == json.end() || !unit->is_string() ||
        !check->is_string() || !falls->is_array()) {
        return std::nullopt;
    }
    FallenUnit fallen{unit->get<std::string>(), check->get<std::string>(), {}};
    for (const Json& fall : *falls) {
        if (fall.is_number_integer() && fallen.falls.size() < FallenUnit::k_most_falls) {
            fallen.falls.push_back(WallTime(Duration(fall.get<std::int64_t>())));
        }
    }
    return fallen;
}

// One that is odd is left out: its next fall makes it known again.
std::vector<FallenUnit> fallen_units_of(const Json& json) {
    std::vector<FallenUnit> units;
    for (const Json& row : json) {
        if (std::optional<FallenUnit> unit = fallen_unit_of(row)) {
            units.push_back(std::move(*unit));
        }
    }
    return units;
}

std::vector<std::string> names_of(const Json& json) {
    std::vector<std::string> names;
    for (const Json& name : json) {
        if (name.is_string() && names.size() < DropFolder::k_most) {
            names.push_back(name.get<std::string>());
        }
    }
    return names;
}

std::string json_of(const std::vector<Outgoing>& pending) {
    const std::size_t over = pending.size() - std::min(pending.size(), ToolState::k_most_pending);
    std::string text;
    for (std::size_t i = over; i < pending.size(); ++i) {
        text += text.empty() ? "[" : ",";
        text += "{\"channel\":" + Json(pending[i].channel).dump();
        text += ",\"message\":" + to_json(pending[i].message) + "}";
    }
    return text + "]";
}

std::optional<Outgoing> outgoing_of(const Json& json) {
    const auto channel = json.is_object() ? json.find("channel") : json.end();
    const auto message = json.is_object() ? json.find("message") : json.end();
    if (message == json.end() || channel == json.end() || !channel->is_string()) {
        return std::nullopt;
    }
    Result<Message> read = message_from_json(message->dump(-1, ' ', false, Json::error_handler_t::replace));
    const std::string& name = channel->get_ref<const std::string&>();
    const bool good = read && !name.empty() && name.find('/') == std::string::npos;
    return good ? std::optional(Outgoing{name, std::move(*read)}) : std::nullopt;
}

std::vector<Outgoing> pending_of(const Json& json, std::vector<Text>& dropped) {
    std::vector<Outgoing> pending;
    for (const Json& entry : json) {
        std::optional<Outgoing> outgoing =
            pending.size() < ToolState::k_most_pending ? outgoing_of(entry) : std::nullopt;
        if (!outgoing) {
            dropped.push_back(say(k_news_unreadable));
            break;
        }
        pending.push_back(std::move(*outgoing));
    }
    return pending;
}

// The state of the run that was later; run numbers count within one epoch, the clock decides between two.
bool is_newer(const ToolState& a, const ToolState& b) {
    if (a.judge.epoch == b.judge.epoch) {
        return a.judge.run > b.judge.run;
    }
    const auto wall = [](const ToolState& state) {
        return state.judge.last_run ? state.judge.last_run->wall : WallTime();
    };
    return wall(a) > wall(b);
}

} // namespace

std::string to_json(const ToolState& state) {
    // The parts bring their own text: parsing it only to print it again would be work of every minute.
    std::string text = "{\"judge\":" + to_json(state.judge); // first, for k_before_checks
    text += ",\"recovery\":" + write_recovery_state(state.recovery);
    if (!state.pending.empty()) {
        text += ",\"pending\":" + json_of(state.pending);
    }
    if (state.finished) {
        text += ",\"finished\":" + json_of(*state.finished).dump();
    }
    if (state.history != HistoryMemory()) {
        text += ",\"history\":" + json_of(state.history).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    if (!state.looks.empty()) {
        text += ",\"looks\":" + to_json(state.looks);
    }
    if (!state.units.empty()) {
        text += ",\"units\":" + json_of(state.units).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    if (!state.keys.empty()) {
        text += ",\"keys\":" + to_json(state.keys);
    }
    if (!state.counted.empty()) {
        text += ",\"counted\":" + Json(state.counted).dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    return text + "}";
}

ToolState tool_state_from_json(std::string_view text, std::vector<Text>& dropped) {
    return text.empty() ? ToolState() : tool_state_of(Json::parse(text, nullptr, false), dropped);
}

ToolState tool_state_of(const Json& json, std::vector<Text>& dropped, const JsonRows* rows) {
    ToolState state;
    if (!json.is_object()) {
        dropped.push_back(say(k_unreadable));
        return state;
    }
    if (const auto judge = json.find("judge"); judge != json.end()) {
        LoadedJudgeState loaded = judge_state_from(*judge, rows);
        state.judge = std::move(loaded.state);
        dropped.insert(dropped.end(), loaded.dropped.begin(), loaded.dropped.end());
    }
    if (const auto recovery = json.find("recovery"); recovery != json.end()) {
        state.recovery = read_recovery_state(recovery->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (const auto pending = json.find("pending"); pending != json.end() && pending->is_array()) {
        state.pending = pending_of(*pending, dropped);
    }
    state.finished = now_of(object_of(json, "finished"));
    if (const auto history = json.find("history"); history != json.end() && history->is_object()) {
        state.history = history_memory_of(*history);
    }
    if (const auto looks = json.find("looks"); looks != json.end()) {
        state.looks = kept_looks_from_json(looks->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (const auto units = json.find("units"); units != json.end() && units->is_array()) {
        state.units = fallen_units_of(*units);
    }
    if (const auto keys = json.find("keys"); keys != json.end()) {
        state.keys = keys_from_json(keys->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (const auto counted = json.find("counted"); counted != json.end() && counted->is_array()) {
        state.counted = names_of(*counted);
    }
    return state;
}

StateKeeper::StateKeeper(Files& files, const Path& home, const Path& run, const Path& memory, uid_t us)
    : m_kept(files, {home, run, memory}, k_schema, us, k_before_checks) {}

StateKeeper::Loaded StateKeeper::load(WallTime now, StateFile::Access access) {
    Loaded loaded;
    for (const KeptState::Found& found : m_kept.load(now, access)) {
        const bool at_home = found.stopgap.empty();
        std::vector<Text> troubles;
        ToolState state = found.state.json
                              ? tool_state_of(*found.state.json, troubles, found.state.rows.get())
                              : ToolState();
        if (at_home || is_newer(state, loaded.state)) {
            loaded.state = std::move(state);
            loaded.stopgap = found.stopgap;
        }
        if (at_home) { // a damaged stopgap is no loss: home is there
            loaded.troubles = std::move(troubles);
            if (!found.state.trouble.empty()) {
                loaded.troubles.push_back(found.state.trouble);
            }
        }
    }
    return loaded;
}

StateKeeper::SaveResult StateKeeper::save(const ToolState& state) {
    return m_kept.save(to_json(state));
}

} // namespace lectio

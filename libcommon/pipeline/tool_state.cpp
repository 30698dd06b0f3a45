#include "pipeline/tool_state.h"

#include "alerts/message_json.h"
#include "incidents/judge_json.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json; // not ordered_json: it seeks each key among all before it

constexpr int k_schema = 1;
constexpr int k_most_counted = 1'000'000;

constexpr Phrase k_unreadable{"the state could not be understood and was begun afresh",
                              "состояние не удалось разобрать, оно начато заново"};

constexpr Phrase k_news_unreadable{"news that was still to be told could not be read and was dropped",
                                   "новости, ещё не отправленные, не удалось прочитать, они отброшены"};

Json json_of(const Now& now) {
    return Json{{"wall_ms", now.wall.time_since_epoch().count()},
                {"boot_ms", now.boot.count()},
                {"boot_id", now.boot_id}};
}

std::optional<Now> now_of(const Json& json) {
    const auto wall = json.find("wall_ms");
    const auto boot = json.find("boot_ms");
    const auto boot_id = json.find("boot_id");
    if (wall == json.end() || !wall->is_number_integer() || boot == json.end() ||
        !boot->is_number_integer() || boot_id == json.end() || !boot_id->is_string()) {
        return std::nullopt;
    }
    return Now{WallTime(Duration(wall->get<std::int64_t>())), Duration(boot->get<std::int64_t>()),
               boot_id->get<std::string>()};
}

Json json_of(const HistoryMemory& memory) {
    return Json{{"lost", memory.lost},
                {"lost_why", {memory.lost_why.en, memory.lost_why.ru}},
                {"set_aside", {memory.set_aside.en, memory.set_aside.ru}}};
}

Text text_of(const Json& json, const char* key) {
    const auto pair = json.find(key);
    const bool whole = pair != json.end() && pair->is_array() && pair->size() == 2 &&
                       (*pair)[0].is_string() && (*pair)[1].is_string();
    return whole ? Text{(*pair)[0].get<std::string>(), (*pair)[1].get<std::string>()} : Text{};
}

HistoryMemory history_memory_of(const Json& json) {
    HistoryMemory memory;
    if (const auto lost = json.find("lost"); lost != json.end() && lost->is_number_integer()) {
        memory.lost = std::clamp(lost->get<int>(), 0, k_most_counted);
    }
    memory.lost_why = text_of(json, "lost_why");
    memory.set_aside = text_of(json, "set_aside");
    return memory;
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
    std::string text = "{\"judge\":" + to_json(state.judge);
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
    return text + "}";
}

ToolState tool_state_from_json(std::string_view text, std::vector<Text>& dropped) {
    ToolState state;
    if (text.empty()) {
        return state;
    }
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
        dropped.push_back(say(k_unreadable));
        return state;
    }
    if (const auto judge = json.find("judge"); judge != json.end()) {
        LoadedJudgeState loaded = judge_state_from(*judge);
        state.judge = std::move(loaded.state);
        dropped.insert(dropped.end(), loaded.dropped.begin(), loaded.dropped.end());
    }
    if (const auto recovery = json.find("recovery"); recovery != json.end()) {
        state.recovery = read_recovery_state(recovery->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (const auto pending = json.find("pending"); pending != json.end() && pending->is_array()) {
        state.pending = pending_of(*pending, dropped);
    }
    if (const auto finished = json.find("finished"); finished != json.end() && finished->is_object()) {
        state.finished = now_of(*finished);
    }
    if (const auto history = json.find("history"); history != json.end() && history->is_object()) {
        state.history = history_memory_of(*history);
    }
    return state;
}

StateKeeper::StateKeeper(Files& files, const Path& home, const Path& run, const Path& memory, uid_t us)
    : m_kept(files, {home, run, memory}, k_schema, us) {}

StateKeeper::Loaded StateKeeper::load(WallTime now, StateFile::Access access) {
    Loaded loaded;
    for (const KeptState::Found& found : m_kept.load(now, access)) {
        const bool at_home = found.stopgap.empty();
        std::vector<Text> troubles;
        ToolState state = tool_state_from_json(found.state.text, troubles);
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

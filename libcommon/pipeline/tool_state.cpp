#include "pipeline/tool_state.h"

#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::ordered_json;

constexpr int k_schema = 1;
constexpr mode_t k_private = 0700;

constexpr Phrase k_unreadable{"the state could not be understood and was begun afresh",
                              "состояние не удалось разобрать, оно начато заново"};

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
    if (state.finished) {
        text += ",\"finished\":" + json_of(*state.finished).dump();
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
        LoadedJudgeState loaded =
            judge_state_from_json(judge->dump(-1, ' ', false, Json::error_handler_t::replace));
        state.judge = std::move(loaded.state);
        dropped.insert(dropped.end(), loaded.dropped.begin(), loaded.dropped.end());
    }
    if (const auto recovery = json.find("recovery"); recovery != json.end()) {
        state.recovery = read_recovery_state(recovery->dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    if (const auto finished = json.find("finished"); finished != json.end() && finished->is_object()) {
        state.finished = now_of(*finished);
    }
    return state;
}

StateKeeper::StateKeeper(Files& files, Path home, Path stopgap, uid_t us)
    : m_files(files), m_home_folder(std::move(home)), m_stopgap_folder(std::move(stopgap)),
      m_home(files, m_home_folder, k_schema, us), m_stopgap(files, m_stopgap_folder, k_schema, us) {}

StateKeeper::Loaded StateKeeper::load(WallTime now, StateFile::Access access) {
    Loaded loaded;
    const LoadedState home = m_home.load(now, access);
    loaded.state = tool_state_from_json(home.text, loaded.troubles);
    if (!home.trouble.empty()) {
        loaded.troubles.push_back(home.trouble);
    }
    m_stopgap_exists = m_files.info(m_stopgap_folder).ok();
    if (m_stopgap_exists) {
        std::vector<Text> ignored; // a damaged stopgap is no loss: home is there
        ToolState stopgap = tool_state_from_json(m_stopgap.load(now, access).text, ignored);
        if (is_newer(stopgap, loaded.state)) {
            loaded.state = std::move(stopgap);
            loaded.from_stopgap = true;
        }
    }
    return loaded;
}

StateKeeper::SaveResult StateKeeper::save(const ToolState& state) {
    const std::string text = to_json(state);
    Result<void> saved = m_files.make_folders(m_home_folder, k_private);
    if (saved) {
        saved = m_home.save(text);
    }
    if (saved) {
        return {};
    }
    SaveResult result{Saved::stopgap, saved.error()};
    m_stopgap_exists = true;
    if (!m_files.make_folders(m_stopgap_folder, k_private).ok() || !m_stopgap.save(text).ok()) {
        result.where = Saved::nowhere;
    }
    return result;
}

} // namespace lectio

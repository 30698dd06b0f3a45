#include "pipeline/tool_state.h"

#include <algorithm>

#include <fmt/format.h>
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

// One name for each user and each state folder: suites side by side do not share a memory.
std::string name_in_memory(const Path& home, uid_t us) {
    std::string name = home.lexically_normal().string();
    std::replace(name.begin(), name.end(), '/', '%');
    return fmt::format("lectio-{}{}", us, name);
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

StateKeeper::StateKeeper(Files& files, const Path& home, const Path& run, const Path& memory, uid_t us)
    : m_files(files), m_us(us), m_home_folder(home), m_home(files, home, k_schema, us) {
    const Path last = memory / name_in_memory(home, us);
    m_stopgaps.push_back({run, StateFile(files, run, k_schema, us), Stopgap::Parent::ours});
    m_stopgaps.push_back({last, StateFile(files, last, k_schema, us), Stopgap::Parent::anybodys});
}

StateKeeper::Loaded StateKeeper::load(WallTime now, StateFile::Access access) {
    Loaded loaded;
    const LoadedState home = m_home.load(now, access);
    loaded.state = tool_state_from_json(home.text, loaded.troubles);
    if (!home.trouble.empty()) {
        loaded.troubles.push_back(home.trouble);
    }
    for (Stopgap& stopgap : m_stopgaps) {
        if (!is_safe(stopgap)) {
            continue;
        }
        std::vector<Text> ignored; // a damaged stopgap is no loss: home is there
        ToolState state = tool_state_from_json(stopgap.file.load(now, access).text, ignored);
        if (is_newer(state, loaded.state)) {
            loaded.state = std::move(state);
            loaded.stopgap = stopgap.folder;
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
    if (!saved) {
        return {save_to_a_stopgap(text) ? Saved::stopgap : Saved::nowhere, saved.error()};
    }
    for (Stopgap& stopgap : m_stopgaps) {
        if (is_safe(stopgap)) {
            stopgap.file.forget();
        }
    }
    return {};
}

bool StateKeeper::save_to_a_stopgap(const std::string& text) {
    return std::any_of(m_stopgaps.begin(), m_stopgaps.end(),
                       [&](Stopgap& stopgap) { return make(stopgap) && stopgap.file.save(text).ok(); });
}

// In a folder where everybody may create (with the sticky bit) nobody can replace what is ours, but anybody can
// have been there first: a folder or link of somebody else's is neither read nor written.
bool StateKeeper::is_safe(const Stopgap& stopgap) const {
    const Result<FileInfo> info = m_files.info(stopgap.folder);
    if (!info || stopgap.parent == Stopgap::Parent::ours) {
        return info.ok();
    }
    return info->type == FileInfo::Type::folder && info->owner == m_us && (info->mode & 0077U) == 0;
}

bool StateKeeper::make(const Stopgap& stopgap) const {
    // A host without /dev/shm is not given one.
    const bool possible = stopgap.parent == Stopgap::Parent::ours ||
                          m_files.info(stopgap.folder.parent_path(), Files::Follow::yes).ok();
    return possible && m_files.make_folders(stopgap.folder, k_private).ok() && is_safe(stopgap);
}

} // namespace lectio

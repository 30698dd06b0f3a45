// What is broken, of every tool, and that an operator has seen it.
#include "incidents/acknowledgements.h"
#include "operator/desk.h"
#include "operator/just_told.h"
#include "platform/users.h"
#include "util/text.h"
#include "words/error_words.h"

#include <algorithm>

#include <fmt/format.h>

namespace lectio {
namespace {

constexpr Phrase k_none_open{"nothing is broken: no incident is open",
                             "всё в порядке: открытых инцидентов нет"};
constexpr Phrase k_never_checked{
    "no incident is open; but nothing has been checked here yet: lectio-health has never run",
    "открытых инцидентов нет; но здесь ещё ничего не проверялось: lectio-health не запускался"};
constexpr Phrase k_checked_long_ago{
    "no incident is open; but nothing has been checked since {}: lectio-health does not run",
    "открытых инцидентов нет; но с {} ничего не проверялось: lectio-health не запускается"};
constexpr Phrase k_unreadable{"what is broken is not known: {}", "неизвестно, что сломано: {}"};
constexpr Phrase k_incident{"{0} {1} {2}: {3}; since {4}", "{0} {1} {2}: {3}; с {4}"};
constexpr Phrase k_flapping{"{}; good and bad by turns, closed when it settles",
                            "{}; то ломается, то чинится; закроется, когда успокоится"};
constexpr Phrase k_settling{"{}; good just now, closed when it stays so",
                            "{}; сейчас в порядке; закроется, если так и останется"};
constexpr Phrase k_acknowledged_mark{"{}, acknowledged", "{}, принят"};
constexpr Phrase k_acknowledged{
    "acknowledged: {}; there are no reminders of it until it gets worse, its end is told",
    "принято: {}; напоминаний не будет, пока не станет хуже, об окончании сообщим"};
constexpr Phrase k_would_acknowledge{"would be acknowledged: {}", "было бы принято: {}"};
constexpr Phrase k_already{"acknowledged already: {}", "уже принято: {}"};
constexpr Phrase k_no_such{"no open incident is called \"{}\"; open are: {}",
                           "нет открытого инцидента «{}»; открыты: {}"};

constexpr const char* k_health = "health"; // takes over what scripts and units have told
// It runs each minute.
constexpr Duration k_checked_lately = std::chrono::minutes(10);

// The tools that keep a state: each in a folder of its own.
std::vector<std::string> tools_with_state(Files& files, const Path& state) {
    std::vector<std::string> tools = files.list(state).value_or({});
    std::erase_if(tools, [&](const std::string& tool) {
        return !is_name(tool) || !files.info(state / tool / "state.json");
    });
    return tools;
}

bool is_good_now(const JudgeState& judge, const IncidentState& incident) {
    const auto check = judge.checks.find(incident.subject);
    return check != judge.checks.end() && check->second.status == Status::ok;
}

OpenIncident open_incident(const std::string& tool, const IncidentState& incident) {
    OpenIncident open;
    open.id = incident.id;
    open.check = fmt::format("{}/{}", tool, incident.check);
    open.key = incident.key;
    open.level = incident.level;
    open.since = incident.since.wall;
    open.message = incident.message;
    open.hint = incident.hint;
    open.evidence = incident.evidence;
    open.flapping = incident.flapping;
    open.acknowledged = incident.acknowledged;
    open.told = incident.told.has_value();
    return open;
}

std::string tool_of(const OpenIncident& incident) {
    return incident.check.substr(0, incident.check.find('/'));
}

const std::string& name_of(const OpenIncident& incident) {
    return incident.key.empty() ? incident.check : incident.key;
}

std::string ids_of(const std::vector<OpenIncident>& incidents) {
    std::string ids;
    for (const OpenIncident& incident : incidents) {
        ids += fmt::format("{}{} ({})", ids.empty() ? "" : ", ", incident.id, name_of(incident));
    }
    return ids;
}

} // namespace

std::vector<OpenIncident> Desk::incidents() const {
    std::vector<OpenIncident> all;
    for (const std::string& tool : tools()) {
        const ToolState before = load(tool).state;
        const ToolState now = state_of(tool);
        for (const IncidentState& incident : now.judge.incidents) {
            if (!incident.ended) {
                OpenIncident open = open_incident(tool, incident);
                open.settling = !incident.flapping && is_good_now(now.judge, incident);
                open.just_told = before.judge.open_incident(incident.subject) == nullptr;
                all.push_back(std::move(open));
            }
        }
    }
    std::stable_sort(all.begin(), all.end(), [](const OpenIncident& a, const OpenIncident& b) {
        return a.level == Status::critical && b.level != Status::critical;
    });
    return all;
}

// Of health always: what it is to take over is open before its first run.
std::vector<std::string> Desk::tools() const {
    std::vector<std::string> tools = tools_with_state(m_world.files, m_config.paths.state);
    if (std::find(tools.begin(), tools.end(), k_health) == tools.end()) {
        tools.emplace_back(k_health);
    }
    return tools;
}

// With what was told and acknowledged since its last run.
ToolState Desk::state_of(const std::string& tool) const {
    ToolState state = load(tool).state;
    if (tool == k_health) {
        take_in_what_was_told(state, m_world, m_config);
    }
    adopt(state.judge, left_for(acknowledgement_folder(m_world.files, m_config.paths.state), tool));
    return state;
}

StateKeeper::Loaded Desk::load(const std::string& tool) const {
    StateKeeper keeper(m_world.files, m_config.paths.state / tool, m_config.paths.run / (tool + "-state"),
                       "/dev/shm", effective_user());
    return keeper.load(m_world.clock.now().wall, StateFile::Access::reader);
}

Text Desk::unreadable() const {
    const Path& state = m_config.paths.state;
    const Result<std::vector<std::string>> folder = m_world.files.list(state);
    // A file where the folder should be may be "not found" below it, but is itself there.
    if (!folder && m_world.files.info(state)) {
        return say(k_unreadable, error_words(folder.error().message));
    }
    Text troubles;
    for (const std::string& tool : tools_with_state(m_world.files, state)) {
        for (const Text& trouble : load(tool).troubles) {
            troubles = join("; ", {troubles, trouble});
        }
    }
    return troubles.empty() ? Text{} : say(k_unreadable, troubles);
}

Answer Desk::acknowledge(std::string_view what) {
    const std::vector<OpenIncident> open = incidents();
    std::vector<OpenIncident> meant;
    for (const OpenIncident& incident : open) {
        if (what == "all" || what == incident.id || what == incident.check ||
            (what == incident.key && !what.empty())) {
            meant.push_back(incident);
        }
    }
    if (meant.empty()) {
        return open.empty() ? Answer{what == "all" ? Answer::Kind::done : Answer::Kind::wrong, none_open()}
                            : Answer{Answer::Kind::wrong, say(k_no_such, clean_line(what), ids_of(open))};
    }
    std::vector<OpenIncident> news = meant;
    std::erase_if(news, [](const OpenIncident& incident) { return incident.acknowledged; });
    if (news.empty()) {
        return {Answer::Kind::done, say(k_already, ids_of(meant))};
    }
    if (m_effect == Effect::none) {
        return {Answer::Kind::done, say(k_would_acknowledge, ids_of(news))};
    }
    for (const OpenIncident& incident : news) {
        const Result<void> left =
            leave(acknowledgement_folder(m_world.files, m_config.paths.state),
                  {tool_of(incident), incident.id, incident.level, m_by, m_world.clock.now().wall});
        if (!left) {
            return failure(left.error());
        }
    }
    return {Answer::Kind::done, say(k_acknowledged, ids_of(news))};
}

Text Desk::words(const std::vector<OpenIncident>& incidents, const Text& unreadable) const {
    Text lines;
    for (const OpenIncident& incident : incidents) {
        const Level level = incident.level == Status::critical ? Level::critical : Level::warning;
        Text line = say(k_incident, mark(level), incident.id, name_of(incident), incident.message,
                        minute(incident.since));
        if (incident.flapping || incident.settling) {
            line = say(incident.flapping ? k_flapping : k_settling, line);
        }
        if (incident.acknowledged) {
            line = say(k_acknowledged_mark, line);
        }
        lines = join("\n", {lines, line});
    }
    lines = join("\n", {lines, unreadable});
    return lines.empty() ? none_open() : lines;
}

// Nobody knows that all is well where nobody looks.
Text Desk::none_open() const {
    const std::optional<Now> last = load(k_health).state.judge.last_run;
    if (!last) {
        return say(k_never_checked);
    }
    const bool lately = std::chrono::abs(m_world.clock.now().wall - last->wall) <= k_checked_lately;
    return lately ? say(k_none_open) : say(k_checked_long_ago, minute(last->wall));
}

} // namespace lectio

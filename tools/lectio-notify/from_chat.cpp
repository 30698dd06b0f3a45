#include "from_chat.h"

#include "platform/privileges.h"
#include "session.h"
#include "util/json_members.h"
#include "util/text.h"
#include "words/error_words.h"
#include "words/span.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

using Word = OperatorCommand::Word;
using Reply = Operators::Reply;
using Json = nlohmann::json;

constexpr std::string_view k_mute_by_default = "1h";
constexpr std::size_t k_id_length = 6; // Incident::id
constexpr std::string_view k_health = "lectio-health";

constexpr Phrase k_status_title{"how things stand", "как дела"};
constexpr Phrase k_mute_title{"quiet", "тишина"};
constexpr Phrase k_ack_title{"acknowledged", "принято"};
constexpr Phrase k_not_done_title{"/{}: not done", "/{}: не выполнено"};
constexpr Phrase k_open_title{"open incidents", "открытые инциденты"};
constexpr Phrase k_ack_what{"Which one? Send /ack and its id, or press the button under its alert.",
                            "Что именно? Отправьте /ack и номер или нажмите кнопку под тревогой."};
constexpr Phrase k_details_title{"details", "подробно"};
constexpr Phrase k_not_open{"{}: not open any more", "{}: уже не открыт"};
constexpr Phrase k_looking{"one moment", "минуту"};
constexpr Phrase k_checking_title{"checking…", "проверяю…"};
constexpr Phrase k_checking_text{"The answer comes here; other commands work meanwhile.",
                                 "Ответ придёт сюда; остальные команды тем временем работают."};
constexpr Phrase k_check_title{"checked now: all is good", "проверено сейчас: всё в порядке"};
constexpr Phrase k_check_bad_title{"checked now: not all is good", "проверено сейчас: не всё в порядке"};
constexpr Phrase k_checked{"good: {}; not good: {}", "в порядке: {}; не в порядке: {}"};
constexpr Phrase k_check_line{"{} {}: {}", "{} {}: {}"};
constexpr Phrase k_some_not_done{"not all was done", "выполнено не всё"};
constexpr Phrase k_not_started{"{} could not be started: {}", "не удалось запустить {}: {}"};
constexpr Phrase k_timed_out{"{} did not end within {}", "{}: не завершилось за {}"};
constexpr Phrase k_printed_nothing{"{} printed nothing, exit status {}",
                                   "{}: ничего не напечатано, код выхода {}"};

// "k3x7qa-m2np4c", what a button carries: the incidents of its message. Anything else is one name: health/disk-root, all.
std::vector<std::string> names_in(const std::string& argument) {
    std::vector<std::string> ids;
    for (const std::string_view part : split(argument, '-')) {
        ids.emplace_back(part);
    }
    const bool only_ids =
        std::all_of(ids.begin(), ids.end(), [](const std::string& id) { return id.size() == k_id_length; });
    return only_ids ? ids : std::vector<std::string>{argument};
}

Reply said(Word word, const Phrase& done_title, const Answer& answer) {
    const bool done = answer.kind == Answer::Kind::done;
    return {done ? Level::info : Level::warning,
            done ? say(done_title) : say(k_not_done_title, to_string(word)), answer.words, answer.words};
}

Level level_for(int exit_status) {
    return exit_status == 0 ? Level::info : exit_status == 2 ? Level::critical : Level::warning;
}

struct Printed {
    int status = 3;
    Text text;
};

// What a sibling of this tool prints; never more than fits into a message and a half.
Printed printed_by(Processes& processes, const ProcessRequest& request) {
    const Result<ProcessAnswer> answer = processes.run(request);
    if (!answer) {
        return {3, say(k_not_started, k_health, error_words(answer.error().message))};
    }
    if (answer->timed_out) {
        return {3, say(k_timed_out, k_health, span_of(k_check_at_most / std::chrono::seconds(1)))};
    }
    const int status = answer->exit_status.value_or(3);
    const std::string_view shown = trim(answer->out.empty() ? answer->err : answer->out);
    return {status, shown.empty() ? say(k_printed_nothing, k_health, status) : verbatim(clean(shown))};
}

std::string_view mark_of(std::string_view status) {
    return status == "critical" ? mark(Level::critical) : status == "warning" ? mark(Level::warning) : "❔";
}

// Of a report what a phone has room for: what is not good, the worst first, and how much is. What is no report is shown as
// it is.
Text brief(const Text& report) {
    const Json json = Json::parse(report.en, nullptr, false);
    const Json checks = json.is_object() ? json.value("checks", Json()) : Json();
    if (!checks.is_array() || checks.empty()) {
        const std::string reason = text_of(json, "reason");
        return reason.empty() ? report : verbatim(reason);
    }
    Text lines;
    int good = 0;
    int bad = 0;
    for (const std::string_view status : {"critical", "warning", "unknown", "ok"}) {
        for (const Json& check : checks) {
            if (text_of(check, "status") != status) {
                continue;
            }
            if (status == "ok") {
                ++good;
                continue;
            }
            ++bad;
            const Text line =
                say(k_check_line, mark_of(status), text_of(check, "name"), text_of(check, "message"));
            lines = join("\n", {lines, join(" → ", {line, verbatim(text_of(check, "hint"))})});
        }
    }
    return join("\n", {lines, say(k_checked, good, bad)});
}

} // namespace

std::variant<Reply, Operators::Slow> FromChat::carry_out(const OperatorCommand& command,
                                                         const std::string& who) {
    Desk desk(m_session.world(), m_session.config(), who);
    switch (command.word) {
    case Word::status:
        return status(desk);
    case Word::mutestatus:
        return Reply{Level::info, say(k_mute_title), desk.quiet_now(), {}};
    case Word::mute:
        return said(
            command.word, k_mute_title,
            desk.mute(command.argument.empty() ? k_mute_by_default : std::string_view(command.argument)));
    case Word::unmute:
        return said(command.word, k_mute_title, desk.unmute());
    case Word::ack:
        return acknowledge(command.argument, desk);
    case Word::details:
        return details(command.argument, desk);
    case Word::check:
        return check();
    case Word::help:
        break; // the listener's own
    }
    return Reply{};
}

Reply FromChat::status(Desk& desk) {
    return {Level::info, say(k_status_title), desk.words(desk.standing(m_session.delivery())), {}};
}

Reply FromChat::acknowledge(const std::string& what, Desk& desk) {
    if (what.empty()) {
        return {Level::info,
                say(k_open_title),
                join("\n", {desk.words(desk.incidents(), desk.unreadable()), say(k_ack_what)}),
                {}};
    }
    // Said of all: what of it could not be done must not hide behind what was.
    Reply all{Level::info, say(k_ack_title), {}, {}};
    const std::vector<std::string> names = names_in(what);
    for (const std::string& name : names) {
        const Reply one = said(Word::ack, k_ack_title, desk.acknowledge(name));
        if (one.level != Level::info) {
            all.level = one.level;
            all.title = names.size() == 1 ? one.title : say(k_some_not_done);
        }
        all.text = join("\n", {all.text, one.text});
    }
    all.notice = join(": ", {all.level == Level::info ? Text{} : all.title, all.text});
    return all;
}

// The history is read in the background, one incident after the other.
FromChat::Slow FromChat::details(const std::string& ids, const Desk& desk) {
    struct Part {
        Text words;
        std::optional<ProcessRequest> history;
    };
    const std::vector<OpenIncident> open = desk.incidents();
    std::vector<Part> parts;
    for (const std::string& id : names_in(ids)) {
        const auto found =
            std::find_if(open.begin(), open.end(), [&](const OpenIncident& each) { return each.id == id; });
        if (found == open.end()) {
            parts.push_back({say(k_not_open, id), std::nullopt});
            continue;
        }
        parts.push_back({desk.words({*found}, {}), std::nullopt});
        if (found->just_told) { // the history has nothing of it yet
            parts.back().words =
                join("\n", {parts.back().words, found->hint, verbatim(trim(found->evidence))});
            continue;
        }
        constexpr std::string_view k_of_health = "health/";
        if (found->check.starts_with(k_of_health)) {
            parts.back().history = health({"history", found->check.substr(k_of_health.size())});
        }
    }
    Processes& processes = m_session.world().processes;
    return {{Level::info, {}, {}, say(k_looking)}, [parts = std::move(parts), &processes] {
                Text text;
                for (const Part& part : parts) {
                    const Text history = part.history ? printed_by(processes, *part.history).text : Text{};
                    text = join("\n", {text, part.words, history});
                }
                return Reply{Level::info, say(k_details_title), text, {}};
            }};
}

// Changes nothing, waits for no lock, tells nobody: the minute's run heals and tells.
FromChat::Slow FromChat::check() {
    Processes& processes = m_session.world().processes;
    return {{Level::info, say(k_checking_title), say(k_checking_text), {}},
            [request = health({"--dry-run", "--format", "json"}), &processes] {
                const Printed printed = printed_by(processes, request);
                const Phrase& title = printed.status == 0 ? k_check_title : k_check_bad_title;
                return Reply{level_for(printed.status), say(title), brief(printed.text), {}};
            }};
}

ProcessRequest FromChat::health(std::vector<std::string> arguments) const {
    const Config& config = m_session.config();
    ProcessRequest request;
    const std::string folder = own_folder();
    request.command = {folder.empty() ? std::string(k_health) : folder + "/" + std::string(k_health)};
    request.command.insert(request.command.end(), arguments.begin(), arguments.end());
    if (config.source == Config::Source::file) {
        request.command.insert(request.command.end(), {"-c", m_session.loaded().file});
    }
    request.timeout = k_check_at_most;
    return request;
}

} // namespace lectio::notify

// rejected: messages that a server has refused for good.
#include "alerts/rejected.h"

#include "brief_command.h"
#include "commands.h"
#include "session.h"

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

constexpr Phrase k_none{"no message has been refused", "отвергнутых сообщений нет"};
constexpr Phrase k_row{"{}\n  {} {}\n  why: {}", "{}\n  {} {}\n  почему: {}"};

class ListRejected final : public BriefCommand {
  public:
    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        if (const std::optional<Text> unreadable = session.unreadable_outbox()) {
            return session.say_answer({Answer::Kind::failed, *unreadable});
        }
        Text lines;
        nlohmann::json rows = nlohmann::json::array();
        for (const Rejected& rejected :
             rejected_messages(session.world().files, session.config().paths.state / "outbox")) {
            const Message& message = rejected.message;
            const std::string when = format_local(message.time, session.config().timezone);
            lines = join("\n", {lines, say(k_row, rejected.id, when, message.title, rejected.why)});
            rows.push_back({{"id", rejected.id},
                            {"channel", rejected.channel},
                            {"time", format_utc(message.time)},
                            {"title", message.title},
                            {"why", rejected.why}});
        }
        return session.say_outcome(lines.empty() ? say(k_none) : lines, k_good, {{"rejected", rows}});
    }
};

} // namespace

std::unique_ptr<Command> make_rejected() {
    return std::make_unique<ListRejected>();
}

} // namespace lectio::notify

// ack: an operator has seen it.
#include "brief_command.h"
#include "commands.h"
#include "session.h"

namespace lectio::notify {
namespace {

class Ack final : public BriefCommand {
  public:
    std::vector<Argument> arguments() override {
        return {
            {"incident", "ID", "An id, tool/check or all; lectio-notify list names them", &m_what, {}, true}};
    }
    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        return session.say_answer(session.desk().acknowledge(m_what));
    }

  private:
    std::string m_what;
};

} // namespace

std::unique_ptr<Command> make_ack() {
    return std::make_unique<Ack>();
}

} // namespace lectio::notify

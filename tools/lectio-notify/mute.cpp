// mute: nothing is sent for a while; failures are mended all the same.
#include "brief_command.h"
#include "commands.h"
#include "session.h"

namespace lectio::notify {
namespace {

class Mute final : public BriefCommand {
  public:
    std::vector<Argument> arguments() override {
        return {
            {"duration", "TIME", "30m, 2h, 1d; from a minute to a week", &m_duration, {}, true},
            {"--reason", "TEXT", "Shown by status", &m_reason},
        };
    }
    int execute(Session& session) override {
        return session.say_answer(session.desk().mute(m_duration, m_reason));
    }

  private:
    std::string m_duration, m_reason;
};

} // namespace

std::unique_ptr<Command> make_mute() {
    return std::make_unique<Mute>();
}

} // namespace lectio::notify

// unmute: ends the mute before its time.
#include "brief_command.h"
#include "commands.h"
#include "session.h"

namespace lectio::notify {
namespace {

class Unmute final : public BriefCommand {
  public:
    int execute(Session& session) override { return session.say_answer(session.desk().unmute()); }
};

} // namespace

std::unique_ptr<Command> make_unmute() {
    return std::make_unique<Unmute>();
}

} // namespace lectio::notify

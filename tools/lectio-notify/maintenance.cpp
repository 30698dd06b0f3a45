// maintenance: somebody works on the host; nothing is mended and nothing is sent.
#include "brief_command.h"
#include "commands.h"
#include "session.h"

namespace lectio::notify {
namespace {

class Maintenance final : public BriefCommand {
  public:
    std::vector<Argument> arguments() override {
        return {{"duration", "TIME", "30m, 1h, at most 2h; or off", &m_word, {}, true}};
    }
    int execute(Session& session) override { return session.say_answer(session.desk().maintenance(m_word)); }

  private:
    std::string m_word;
};

} // namespace

std::unique_ptr<Command> make_maintenance() {
    return std::make_unique<Maintenance>();
}

} // namespace lectio::notify

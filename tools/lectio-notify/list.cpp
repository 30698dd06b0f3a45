// list: open incidents of every tool.
#include "brief_command.h"
#include "commands.h"
#include "operator/standing_json.h"
#include "session.h"

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

class List final : public BriefCommand {
  public:
    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        const std::vector<OpenIncident> open = session.desk().incidents();
        const Text unreadable = session.desk().unreadable();
        return session.say_outcome(session.desk().words(open, unreadable),
                                   unreadable.empty() ? k_good : k_bad,
                                   {{"incidents", json_of(open, session.config().lang)}});
    }
};

} // namespace

std::unique_ptr<Command> make_list() {
    return std::make_unique<List>();
}

} // namespace lectio::notify

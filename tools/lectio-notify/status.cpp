// status: how things stand with telling (CONTRACT 26).
#include "brief_command.h"
#include "commands.h"
#include "operator/standing_json.h"
#include "session.h"

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

class Status final : public BriefCommand {
  public:
    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        const Standing standing = session.desk().standing(session.delivery());
        return session.say_outcome(session.desk().words(standing),
                                   standing.unreadable.empty() ? k_good : k_bad,
                                   json_of(standing, session.config().lang));
    }
};

} // namespace

std::unique_ptr<Command> make_status() {
    return std::make_unique<Status>();
}

} // namespace lectio::notify

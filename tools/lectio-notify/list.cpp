// list: open incidents of every tool.
#include "brief_command.h"
#include "commands.h"
#include "incidents_json.h"
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

nlohmann::json json_of(const std::vector<OpenIncident>& incidents, Lang lang) {
    nlohmann::json rows = nlohmann::json::array();
    for (const OpenIncident& incident : incidents) {
        rows.push_back({{"id", incident.id},
                        {"check", incident.check},
                        {"status", to_string(incident.level)},
                        {"state", incident.acknowledged ? "acknowledged" : "open"},
                        {"since", format_utc(incident.since)},
                        {"message", incident.message.in(lang)},
                        {"told", incident.told}});
    }
    return rows;
}

} // namespace lectio::notify

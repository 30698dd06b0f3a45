// status: how things stand with telling (CONTRACT 26).
#include "brief_command.h"
#include "commands.h"
#include "incidents_json.h"
#include "session.h"

#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio::notify {
namespace {

using nlohmann::json;

json standing_json(const Standing& standing, Lang lang) {
    json channels = json::array();
    for (const ChannelStanding& channel : standing.channels) {
        channels.push_back({{"name", channel.name}, {"ok", channel.ok}, {"detail", channel.detail.in(lang)}});
    }
    const auto oldest = standing.oldest
                            ? json(std::chrono::floor<std::chrono::seconds>(*standing.oldest).count())
                            : json(nullptr);
    const std::optional<WallTime> muted = standing.mute_until();
    json quiet = json::array();
    for (const QuietSpan& span : standing.quiet) {
        quiet.push_back({{"reason", to_string(span.quiet)},
                         {"until", span.until ? json(format_utc(*span.until)) : json(nullptr)}});
    }
    return {{"outbox",
             {{"waiting", standing.waiting},
              {"kept", standing.kept},
              {"rejected", standing.rejected},
              {"oldest_s", oldest}}},
            {"channels", channels},
            {"kept_back",
             {{"incidents", standing.untold},
              {"messages", standing.kept},
              {"until", standing.pause_until ? json(format_utc(*standing.pause_until)) : json(nullptr)}}},
            {"mute_until", muted ? json(format_utc(*muted)) : json(nullptr)},
            {"mute_reason", standing.mute_reason},
            {"quiet", quiet},
            {"incidents", json_of(standing.incidents, lang)}};
}

class Status final : public BriefCommand {
  public:
    int execute(Session& session) override {
        if (const std::optional<Text> denied = session.denied_to_us()) {
            return session.needs_rights(*denied);
        }
        const Standing standing = session.desk().standing(session.delivery());
        return session.say_outcome(session.desk().words(standing),
                                   standing.unreadable.empty() ? k_good : k_bad,
                                   standing_json(standing, session.config().lang));
    }
};

} // namespace

std::unique_ptr<Command> make_status() {
    return std::make_unique<Status>();
}

} // namespace lectio::notify

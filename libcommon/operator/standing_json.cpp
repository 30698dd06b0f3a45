#include "operator/standing_json.h"

#include <chrono>

#include <nlohmann/json.hpp>

namespace lectio {

using nlohmann::json;

json json_of(const std::vector<OpenIncident>& incidents, Lang lang) {
    json rows = json::array();
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

json json_of(const Standing& standing, Lang lang) {
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

} // namespace lectio

#include "incidents/acknowledgements.h"

#include "checks/accepted_change.h"
#include "util/json_members.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lectio {
namespace {

using Json = nlohmann::json;

// Of a check whose failure is a change: what was told of it is accepted, and whatever has changed since is not.
bool accept_change(JudgeState& state, const std::string& subject) {
    const auto check = state.checks.find(subject);
    if (check == state.checks.end()) {
        return false;
    }
    auto told = check->second.memory.extract(k_told_change);
    if (told.empty()) {
        return false;
    }
    check->second.memory[k_accepted_change] = std::move(told.mapped());
    return true;
}

} // namespace

DropFolder acknowledgement_folder(Files& files, const Path& state) {
    return {files, state / "acks"};
}

Result<void> leave(DropFolder folder, const Acknowledgement& acknowledgement) {
    const Json json{{"tool", acknowledgement.tool},
                    {"incident", acknowledgement.incident},
                    {"level", to_string(acknowledgement.level)},
                    {"by", acknowledgement.by},
                    {"time", format_utc(acknowledgement.time)}};
    return folder.drop(fmt::format("{}-{}", acknowledgement.tool, acknowledgement.incident),
                       json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::vector<Acknowledgement> left_for(const DropFolder& folder, std::string_view tool) {
    std::vector<Acknowledgement> all;
    for (Dropped& dropped : folder.all()) {
        const Json json = Json::parse(dropped.content, nullptr, false);
        if (!json.is_object() || text_of(json, "tool") != tool) {
            continue;
        }
        Acknowledgement acknowledgement;
        acknowledgement.tool = tool;
        acknowledgement.incident = text_of(json, "incident");
        acknowledgement.level =
            text_of(json, "level") == to_string(Status::critical) ? Status::critical : Status::warning;
        acknowledgement.by = text_of(json, "by");
        acknowledgement.time = parse_utc(text_of(json, "time")).value_or(WallTime());
        acknowledgement.file = std::move(dropped.name);
        all.push_back(std::move(acknowledgement));
    }
    return all;
}

void adopt(JudgeState& state, const std::vector<Acknowledgement>& acknowledgements) {
    for (const Acknowledgement& acknowledgement : acknowledgements) {
        for (IncidentState& incident : state.incidents) {
            const bool worse =
                incident.level == Status::critical && acknowledgement.level != Status::critical;
            if (incident.id == acknowledgement.incident && !incident.ended && !worse) {
                incident.acknowledged = !accept_change(state, incident.subject);
            }
        }
    }
}

} // namespace lectio

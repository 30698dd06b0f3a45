// The key table of everything that is not a check type of the suite's own (those are injected).
#pragma once

#include "config/config.h"

#include <span>
#include <string_view>

namespace lectio {

const Schema<CheckCommon>& check_common_schema();
const Schema<Paths>& paths_schema();
const Schema<LogSettings>& log_schema();
const Schema<HealthSettings>& health_schema();       // without check and recovery
const Schema<DeepcheckSettings>& deepcheck_schema(); // without check
const Schema<AlertSettings>& alerts_schema();
const Schema<Route>& route_schema();
std::optional<Text> token_complaint(const std::string& text);

const Schema<HistorySettings>& history_schema();

// The keys before the first table.
struct TopLevel {
    Lang lang = Lang::ru;
    std::string timezone, host;
};
const Schema<TopLevel>& top_schema();

// What stands under a name in a table of alternatives: `type = …` or `action = …`.
using Alternative = KindSchema;
const Schema<RungSettings>& rung_common_schema();
std::span<const Alternative> channel_types();
// The settings of a type of channel_types(), at their defaults.
ChannelSettings::Own default_channel(std::string_view type);
std::span<const Alternative> backup_types();
const Schema<StatusSettings>& status_schema();

} // namespace lectio

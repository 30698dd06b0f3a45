#include "config/homes.h"

#include "config/sections.h"
#include "config/smoke.h"

#include <array>

namespace lectio {
namespace {

struct Home {
    std::string_view table;
    const SchemaBase* schema;
};

// `host` and `state` are what a check might have, too.
bool is_unmistakable(std::string_view key, std::string_view table) {
    return table.empty() ? key != "host" : table == "health" || table == "alerts" || table == "history";
}

} // namespace

std::optional<std::string_view> home_of(std::string_view key, Around around) {
    const std::array homes{Home{"", &top_schema()},          Home{"paths", &paths_schema()},
                           Home{"log", &log_schema()},       Home{"health", &health_schema()},
                           Home{"smoke", &smoke_schema()},   Home{"deepcheck", &deepcheck_schema()},
                           Home{"alerts", &alerts_schema()}, Home{"history", &history_schema()}};
    std::optional<std::string_view> found;
    for (const Home& home : homes) {
        if (!home.schema->has(key)) {
            continue;
        }
        if (found) {
            return std::nullopt;
        }
        found = home.table;
    }
    const bool is_clear = found && (around == Around::section || is_unmistakable(key, *found));
    return is_clear ? found : std::nullopt;
}

} // namespace lectio

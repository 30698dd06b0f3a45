#include "release/held_units.h"

#include "platform/files.h"

#include <algorithm>

namespace lectio::release {

bool waits_at_gate(const UnitState& unit) {
    return std::any_of(unit.exec_start_pre.begin(), unit.exec_start_pre.end(), [](const auto& command) {
        return command.size() > 1 && Path(command[0]).filename() == "lectio-deploy" &&
               std::find(command.begin(), command.end(), "gate") != command.end();
    });
}

bool has_socket(const UnitState& unit) {
    return std::any_of(unit.triggered_by.begin(), unit.triggered_by.end(),
                       [](const std::string& name) { return name.ends_with(".socket"); });
}

} // namespace lectio::release
